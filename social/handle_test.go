package social

import (
	"errors"
	"strings"
	"testing"
)

func TestValidHandle(t *testing.T) {
	for _, bad := range []string{"", "A", "a-b", "a.b", "a b", "é", "汉", "a@b", "a/b", "a\x00", strings.Repeat("a", 31), "-", "а" /* Cyrillic */} {
		if ValidHandle(bad) {
			t.Errorf("%q is taken for a handle", bad)
		}
	}
	for _, good := range []string{"a", "0", "_", "lin_wei2012", strings.Repeat("a", 30)} {
		if !ValidHandle(good) || !ValidSlug(good) {
			t.Errorf("%q is refused", good)
		}
	}
}

func TestValidSlug(t *testing.T) {
	for _, bad := range []string{"", "-", "-a", "a-", "a--b", "A-b", "2012-3/", "2012(3)", "a.b", strings.Repeat("a-", 15) + "a"} {
		if ValidSlug(bad) {
			t.Errorf("%q is taken for a slug", bad)
		}
	}
	for _, good := range []string{"2012-3", "class-of-2012", "a-b_c"} {
		if !ValidSlug(good) || ValidHandle(good) {
			t.Errorf("%q is refused as a slug, or taken for a handle", good)
		}
	}
}

func TestReservedHandle(t *testing.T) {
	for _, name := range []string{"admin", "Admin", "no-reply", "no_reply", "actor", "c", "api", "postmaster", "well-known"} {
		if !ReservedHandle(name) {
			t.Errorf("%q is free", name)
		}
	}
	for _, name := range []string{"ada", "linwei", "2012-3", "administratrix"} {
		if ReservedHandle(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, in := range []string{
		"", "@", "@@", "acct:", "@ada@", "ada@", "@ada@b.example@c.example", "@ada@b.example/x", "@ada@b.example?x", "@ada@b.example#x",
		"@ada@https://b.example", "https://b.example/@ada", "@ada@b..example", "@ada@.b.example", "@ada@-b.example", "@ada@b-.example",
		"@ada@b.example:", "@ada@b.example:0", "@ada@b.example:080", "@ada@b.example:65536", "@ada@b.example:+80", "@ada@b.example:80:80",
		"@ada@[::1]", "@ada@::1", "@ada@127.1", "@ada@0x7f.1", "@ada@2130706433", "@ada@0177.0.0.1", "@ada@1.2.3.4.5", "@ada@256.1.1.1",
		"@ada@b example", "@a da@b.example", "@ada@b.exa\nmple", "@ada\r\n@b.example", "@ada@b.example\x00", "@\x00@b.example",
		"@.ada@b.example", "@ada.@b.example", "@-ada@b.example", "@汉@b.example", "@ada@b_c.example", "@ada@xn--", "@ada@xn--a.example",
		"@ada@b\u202e.example", "@ada@b\u2024example", "@ada@" + strings.Repeat("a", 64) + ".example", "@ada@" + strings.Repeat("a.", 127) + "aa",
		"@" + strings.Repeat("a", 101) + "@b.example", "@ada@b.example:80@c", "@ada@user:pw@b.example", "@ada@b\\.example", "@ada@%62.example",
		strings.Repeat("@", 10_000), "@ada@\xff.example",
	} {
		handle, host, err := ParseAddress(in)
		if !errors.Is(err, &Invalid{Field: "address", Key: "invalid.address"}) || handle != "" || host != "" {
			t.Errorf("ParseAddress(%.60q) = %q, %q, %v", in, handle, host, err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	tests := []struct{ in, handle, host string }{
		{"ada", "ada", ""},
		{"@Ada", "ada", ""},
		{"@2012-3", "2012-3", ""},
		{"ada@b.example", "ada", "b.example"},
		{" @Ada@B.Example. ", "ada", "b.example"},
		{"acct:ada@b.example", "ada", "b.example"},
		{"ACCT:ada@b.example", "ada", "b.example"},
		{"acct:ada", "ada", ""},
		{"@2012-3@yizhong.localhost:8080", "2012-3", "yizhong.localhost:8080"},
		{"@ada@localhost:8080", "ada", "localhost:8080"},
		{"@ada@例子.测试", "ada", "xn--fsqu00a.xn--0zwm56d"},
		{"@ada@XN--FSQU00A.example", "ada", "xn--fsqu00a.example"},
		{"＠ada＠b．example", "ada", "b.example"},
		{"@a.b-c_d@b.example", "a.b-c_d", "b.example"},
		{"@ada@127.0.0.1:8080", "ada", "127.0.0.1:8080"},
		{"@ada@b.example:443", "ada", "b.example:443"},
	}
	for _, tt := range tests {
		handle, host, err := ParseAddress(tt.in)
		if handle != tt.handle || host != tt.host || err != nil {
			t.Errorf("ParseAddress(%q) = %q, %q, %v", tt.in, handle, host, err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"@ada@b.example:8080", "acct:ada@例子.测试", "ada", "@ada@xn--fsqu00a.example.", "@a@127.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		handle, host, err := ParseAddress(in)
		if err != nil {
			return
		}
		full := handle
		if host != "" {
			full += "@" + host
		}
		if strings.ContainsAny(full, " \t\r\n\x00/\\?#%") || strings.ToLower(full) != full || !isASCII(full) {
			t.Errorf("%q gave %q", in, full)
		}
		if h2, host2, err := ParseAddress(full); h2 != handle || host2 != host || err != nil {
			t.Errorf("%q gave %q, which gives %q %q %v", in, full, h2, host2, err)
		}
	})
}

func TestNormalizeEmail(t *testing.T) {
	for _, bad := range []string{
		"", "@", "ada", "ada@", "@b.example", "ada@b", "ada@b.example.", "ada@b.example:25", "ada@127.0.0.1", "ada@[127.0.0.1]", "a da@b.example",
		"ada@b.example\r\nBcc: x@y.example", "ada\n@b.example", "Ada <ada@b.example>", "\"a b\"@b.example", "a..b@b.example", ".a@b.example",
		"a.@b.example", "a@b@c.example", "ada@b,c.example", "ada@b.example,eve@c.example", "(x)ada@b.example", "ada@b_c.example", "汉@b.example",
		"ada@\u0430pple.example" /* Cyrillic a, Latin rest */, strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b.", 130) + "cc",
		"ada@b.example\x00", "ada@b..example", "ada@-b.example", "ada@b.1",
	} {
		if got, err := NormalizeEmail(bad); !errors.Is(err, &Invalid{Field: "email"}) || got != "" {
			t.Errorf("NormalizeEmail(%.60q) = %q, %v", bad, got, err)
		}
	}
	for _, pair := range [][2]string{
		{"Ada@B.Example", "ada@b.example"},
		{" ada+tag@b.example ", "ada+tag@b.example"},
		{"ada@邮箱.example", "ada@xn--c0zu34b.example"},
		{"o'neil_x.y@b.example", "o'neil_x.y@b.example"},
		{"ada＠b.example", "ada@b.example"},
		{"ada@localhost", "ada@localhost"},
		{"ada@XN--c0zu34b.EXAMPLE", "ada@xn--c0zu34b.example"},
	} {
		in, want := pair[0], pair[1]
		got, err := NormalizeEmail(in)
		if err != nil {
			t.Errorf("NormalizeEmail(%q): %v", in, err)
			continue
		}
		if got != want {
			t.Errorf("NormalizeEmail(%q) = %q, want %q", in, got, want)
		}
		if again, err := NormalizeEmail(got); again != got || err != nil {
			t.Errorf("%q again: %q, %v", got, again, err)
		}
		if d := EmailDomain(got); got != got[:strings.LastIndexByte(got, '@')+1]+d {
			t.Errorf("EmailDomain(%q) = %q", got, d)
		}
	}
}
