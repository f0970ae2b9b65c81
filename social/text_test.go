package social

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func refs(s string) []string {
	var out []string
	for _, m := range FindMentions(s) {
		if m.Host == "" {
			out = append(out, m.Handle)
		} else {
			out = append(out, m.Handle+"@"+m.Host)
		}
	}
	return out
}

func TestFindMentions(t *testing.T) {
	tests := []struct{ text, want string }{
		{"@ada", "ada"},
		{"hi @Ada, and @BOB_2!", "ada bob_2"},
		{"@ada@B.Example", "ada@b.example"},
		{"@ada@b.example.", "ada@b.example"},
		{"(@ada@b.example)", "ada@b.example"},
		{"@2012-3", "2012-3"},
		{"@2012-3@yizhong.localhost:8080 你好", "2012-3@yizhong.localhost:8080"},
		{"@2012-3@yizhong.localhost:8080你好", "2012-3@yizhong.localhost:8080"},
		{"@linwei@aurora.localhost:8081，你好", "linwei@aurora.localhost:8081"},
		{"请@linwei看一下", "linwei"},
		{"请@2012-3（同窗）看", "2012-3"},
		{"你好。@ada：在吗？", "ada"},
		{"@ada@b.example你好", "ada@b.example"},
		{"@ada@b.example：你好", "ada@b.example"},
		{"@ada@b.example:8080：你好", "ada@b.example:8080"},
		{"@ada@b.example: hi", "ada@b.example"},
		{"@ada@b.example:80x", "ada@b.example"},
		{"@ada@b.example:99999", "ada@b.example"},
		{"＠ada＠b.example", "ada@b.example"},
		{"@ada@例子.example", "ada@xn--fsqu00a.example"},
		{"@ada@localhost:8080 @bob@localhost", "ada@localhost:8080 bob@localhost"},
		{"@a.b-c@d.example", "a.b-c@d.example"},
		{"@ada- @-bob @_c", "ada _c"},
		{"@ada @ada @ADA", "ada"},
		{"ada@b.example", ""},
		{"mail ada.b@c.example please", ""},
		{"https://b.example/@ada", ""},
		{"https://b.example/@ada 和 @bob", "bob"},
		{"a/@ada =@bob @@carol x_@d é@e", ""},
		{"@", ""},
		{"@ @@ @. @-", ""},
		{"@ada@nodot", ""},
		{"@ada@-b.example", ""},
		{"@ada@b..example", ""},
		{"@" + strings.Repeat("a", 31), ""},
		{"@ada@127.1", ""},
		{"안녕@ada님", "ada"},
		{"やあ@adaさん", "ada"},
	}
	for _, tt := range tests {
		if got := strings.Join(refs(tt.text), " "); got != tt.want {
			t.Errorf("FindMentions(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestTags(t *testing.T) {
	tests := []struct{ text, want string }{
		{"#Go is #fun", "go fun"},
		{"#同学会 #同学会", "同学会"},
		{"今天#同学会，明天", "同学会"},
		{"#同学会#大家好", "同学会"},
		{"#同学会##通知#好", "同学会 通知"},
		{"＃同窗　＃Ｇｏ", "同窗 go"},
		{"#2012届 #2012", "2012届"},
		{"#1 #2nd", "2nd"},
		{"#a_b #a-b", "a_b a"},
		{"#哈利·波特。", "哈利·波特"},
		{"#café #naïve", "café naïve"},
		{"（#同窗）【#校友】", "同窗 校友"},
		{"a#b /#c =#d &#e; x", ""},
		{"https://a.example/#go", ""},
		{"#" + strings.Repeat("长", 100), strings.Repeat("长", 100)},
		{"#" + strings.Repeat("长", 101), ""},
		{"# #. ## #·", ""},
		{"#go's #c++", "go c"},
	}
	for _, tt := range tests {
		if got := strings.Join(FormatText(tt.text, testOptions).Tags, " "); got != tt.want {
			t.Errorf("tags of %q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestURLs(t *testing.T) {
	tests := []struct{ text, want string }{
		{"see https://a.example/b.", "https://a.example/b"},
		{"看https://a.example/b。好", "https://a.example/b"},
		{"看https://a.example，https://b.example）", "https://a.example https://b.example"},
		{"https://a.example看", "https://a.example"},
		{"https://a.example:8080看", "https://a.example:8080"},
		{"http://yizhong.localhost:8080/c/2012-3", "http://yizhong.localhost:8080/c/2012-3"},
		{"http://localhost:8080/", "http://localhost:8080/"},
		{"https://zh.wiki.example/wiki/清华大学（北京）", "https://zh.wiki.example/wiki/清华大学"},
		{"(https://a.example/b_(c))", "https://a.example/b_(c)"},
		{"https://a.example/?q=1&r=#x!", "https://a.example/?q=1&r=#x"},
		{"https://a.example?x=1, then", "https://a.example?x=1"},
		{"\"https://a.example/\"", "https://a.example/"},
		{"HTTPS://A.example/", "HTTPS://A.example/"},
		{"<https://a.example/>", "https://a.example/"},
		{"https://a.example/" + strings.Repeat("x", 3000), "https://a.example/" + strings.Repeat("x", 2048-18)},
		{"xhttps://a.example", ""},
		{"https://user:pass@a.example/", ""},
		{"https://bank.example@evil.example/", ""},
		{"https://nodot/x", ""},
		{"https://", ""},
		{"https:// a.example", ""},
		{"javascript:alert(1) ftp://a.example data:text/html,x", ""},
		{"https://-a.example/", ""},
		{"https://a..example/", ""},
	}
	for _, tt := range tests {
		var got []string
		for _, s := range scanText(tt.text) {
			if s.kind == spanURL {
				got = append(got, tt.text[s.start:s.end])
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("URLs of %.80q = %.80q, want %.80q", tt.text, got, tt.want)
		}
	}
}

var testOptions = TextOptions{
	Mention: func(handle, host string) (string, bool) {
		if handle == "nobody" {
			return "", false
		}
		if handle == "script" {
			return "javascript:alert(1)", true
		}
		if host == "" {
			host = "here.example"
		}
		return "https://" + host + "/@" + handle, true
	},
	TagURL: func(tag string) string { return "https://here.example/tags/" + tag },
}

func TestFormatText(t *testing.T) {
	const link = ` rel="nofollow noopener noreferrer" target="_blank" translate="no"><span class="invisible">https://</span>`
	tests := []struct{ name, in, want string }{
		{"empty", " \n\t ", ""},
		{"plain", "a < b & \"c\"", "<p>a &lt; b &amp; &#34;c&#34;</p>"},
		{"markup is text", "<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		{"lines", "a\nb\r\n\r\n\nc\rd", "<p>a<br>b</p><p>c<br>d</p>"},
		{"controls", "a\x00b\x1b\u0085c", "<p>abc</p>"},
		{"not UTF-8", "a\xffb", "<p>a\uFFFDb</p>"},
		{"mention", "@Ada@B.example hi", `<p><span class="h-card" translate="no"><a href="https://b.example/@ada" class="u-url mention">@<span>ada</span></a></span> hi</p>`},
		{"local mention", "嗨@2012-3：", `<p>嗨<span class="h-card" translate="no"><a href="https://here.example/@2012-3" class="u-url mention">@<span>2012-3</span></a></span>：</p>`},
		{"unknown mention", "@nobody @script", `<p>@nobody @script</p>`},
		{"tag", "#Go!", `<p><a href="https://here.example/tags/go" class="mention hashtag" rel="tag">#<span>Go</span></a>!</p>`},
		{"closed tag", "#同窗#好", `<p><a href="https://here.example/tags/同窗" class="mention hashtag" rel="tag">#<span>同窗</span></a>#好</p>`},
		{"link", "https://a.example/?a=1&b=2", `<p><a href="https://a.example/?a=1&amp;b=2"` + link + `<span>a.example/?a=1&amp;b=2</span><span class="invisible"></span></a></p>`},
		{"long link", "https://a.example/0123456789012345678901234567890", `<p><a href="https://a.example/0123456789012345678901234567890"` + link +
			`<span class="ellipsis">a.example/01234567890123456789</span><span class="invisible">01234567890</span></a></p>`},
		{"long host is shown whole", "https://www.bank.example.login.secure.evil.example/x", `<p><a href="https://www.bank.example.login.secure.evil.example/x"` + link +
			`<span class="ellipsis">www.bank.example.login.secure.evil.example</span><span class="invisible">/x</span></a></p>`},
		{"foreign host", "https://例子.example/路", `<p><a href="https://xn--fsqu00a.example/路"` + link + `<span>例子.example/路</span><span class="invisible"></span></a></p>`},
		{"full stop", "看https://a.example/。", `<p>看<a href="https://a.example/"` + link + `<span>a.example/</span><span class="invisible"></span></a>。</p>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := FormatText(tt.in, testOptions).HTML
			if got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.in, got, tt.want)
			}
			checkSafe(t, tt.in, SanitizeHTML(got))
		})
	}
}

func TestFormatTextNames(t *testing.T) {
	got := FormatText("@ada @nobody @ada @bob@b.example #Go #go #同窗", testOptions)
	if want := []MentionRef{{"ada", ""}, {"bob", "b.example"}}; !reflect.DeepEqual(got.Mentions, want) {
		t.Errorf("mentions %v", got.Mentions)
	}
	if want := []string{"go", "同窗"}; !reflect.DeepEqual(got.Tags, want) {
		t.Errorf("tags %v", got.Tags)
	}
	if none := FormatText("@ada #go", TextOptions{}); none.HTML != "<p>@ada #go</p>" || none.Mentions != nil || none.Tags != nil {
		t.Errorf("without options: %+v", none)
	}
}

func TestFormatTextIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "@user%d #tag%d ", i, i)
	}
	got := FormatText(b.String(), testOptions)
	if len(got.Mentions) != 50 || len(got.Tags) != 100 {
		t.Errorf("%d mentions, %d tags", len(got.Mentions), len(got.Tags))
	}
	if len(FindMentions(b.String())) != 50 {
		t.Error("FindMentions does not stop")
	}
	if strings.Count(got.HTML, "h-card") != 50 || strings.Count(got.HTML, "hashtag") != 100 {
		t.Error("more links than names")
	}
}

// A text ten times as long takes about ten times as long, whatever it is made of.
func TestScanIsLinear(t *testing.T) {
	for _, unit := range []string{"@a@", "@a.", "#1", "##", "https://", "https://a.b/(", "hhttp", "@a@b.c:", "https://a.b/.", "#·", "@a@-", "。@", "@a@b-.", "h"} {
		timed := func(n int) time.Duration {
			text := strings.Repeat(unit, n/len(unit))
			best := time.Hour
			for range 3 {
				start := time.Now()
				scanText(text)
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := timed(20_000), timed(400_000)
		if large > 100*small && large > 500*time.Millisecond {
			t.Errorf("%q: %v for 20 kB, %v for 400 kB", unit, small, large)
		}
	}
}

func TestCountCharacters(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"", 0},
		{"hello", 5},
		{"你好，世界", 5},
		{"see https://a.example/" + strings.Repeat("x", 200), 4 + 23},
		{"https://a.example", 23},
		{"@ada@a-very-long-name.example hi", 4 + 3},
		{"@ada hi", 7},
		{"@2012-3@yizhong.localhost:8080", 7},
		{"#Go", 3},
		{"e\u0301", 1},
		{"👩‍👩‍👧", 1},
		{"👍🏽", 1},
		{"🇨🇳🇩🇪", 2},
		{"☀️", 1},
		{"a\r\nb", 3},
		{"한국", 2},
		{"\u1112\u1161\u11ab", 1},
	}
	for _, tt := range tests {
		if got := CountCharacters(tt.text); got != tt.want {
			t.Errorf("CountCharacters(%.40q) = %d, want %d", tt.text, got, tt.want)
		}
	}
}

// What is found, formatted and counted agrees, and nothing typed is lost.
func TestTextAgrees(t *testing.T) {
	piece := rapid.SampledFrom([]string{"@ada", "@2012-3@b.localhost:8080", "#同窗", "#go", "https://a.example/x?y=1", "，", "。", " ", "\n", "好", "a", "<b>", "&amp;", "#", "@", "）"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), "")
		got := FormatText(text, testOptions)
		if !reflect.DeepEqual(got.Mentions, FindMentions(text)) {
			t.Fatalf("%q: formatted %v, found %v", text, got.Mentions, FindMentions(text))
		}
		squeeze := func(s string) string {
			return strings.Join(strings.Fields(strings.NewReplacer("@b.localhost", "", ":8080", "").Replace(s)), "")
		}
		if read := PlainText(got.HTML, 10_000); squeeze(read) != squeeze(text) {
			t.Fatalf("%q reads %q", text, read)
		}
	})
}

func FuzzFormatText(f *testing.F) {
	for _, s := range []string{"@ada@b.example:8080，#同窗#https://a.example/b。", "https://[::1]/ https://a.b/(((", "#·· @..@.. ＠＃", "\xff#\xff@\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := FormatText(text, testOptions)
		if strings.Contains(got.HTML, "<script") || len(got.HTML) > 120*len(text)+64 {
			t.Errorf("%q: %d bytes: %.200s", text, len(got.HTML), got.HTML)
		}
		checkSafe(t, text, SanitizeHTML(got.HTML))
		if n := CountCharacters(text); n < 0 || n > len(text)+23*strings.Count(strings.ToLower(text), "http") {
			t.Errorf("%q counts %d", text, n)
		}
		for _, m := range got.Mentions {
			if h, host, err := ParseAddress(m.Handle + "@" + m.Host); m.Host != "" && (err != nil || h != m.Handle || host != m.Host) {
				t.Errorf("%q: mention %+v is no address", text, m)
			}
		}
		for _, tag := range got.Tags {
			if NormalizeTag(tag) != tag {
				t.Errorf("%q: tag %q is not in its stored form", text, tag)
			}
		}
	})
}

func BenchmarkFormatText(b *testing.B) {
	text := "Reading about distributed circles today with @linwei@aurora.example. 明天下午三点在图书馆见面，记得带上笔记本。\n\nNotes: https://blog.example/2026/11/notes-on-circles #class"
	b.ReportAllocs()
	for b.Loop() {
		FormatText(text, testOptions)
	}
}

func TestParseLanguage(t *testing.T) {
	for tag, want := range map[string]string{
		"": "", " ": "", "und": "", "zh": "zh", "zh-CN": "zh-CN", "zh_TW": "zh-TW", "zh-hant-tw": "zh-Hant-TW", "zh-Hans": "zh-Hans", "pt-BR": "pt-BR", "PT-br": "pt-BR",
		"en": "en", "en-GB": "en-GB", "yue": "yue", "nan": "nan", "ckb": "ckb", "tok": "tok", "jbo": "jbo", "szl": "szl", "sr-Latn": "sr-Latn", "no": "no", "iw": "he",
	} {
		if got, err := ParseLanguage(tag); err != nil || got != want {
			t.Errorf("%q is %q, %v, not %q", tag, got, err, want)
		}
	}
	for _, tag := range []string{
		"xxxxxxxxxxxx", "xx", "english", "e", "12", "en-", "en--US", "-", "en\x00", "en us", "de<script>", "\xff", "en-" + strings.Repeat("x", 40),
		"en-u-" + strings.Repeat("co-standard-", 40), "*", "und-", "zz-ZZ",
	} {
		if got, err := ParseLanguage(tag); !errors.Is(err, &Invalid{Field: "language", Key: "invalid.language"}) {
			t.Errorf("%q is taken as %q, %v", tag, got, err)
		}
	}
}

func FuzzParseLanguage(f *testing.F) {
	for _, tag := range []string{"zh_TW", "en-u-ca-gregory", "x-a-b", "i-klingon", "en-x-"} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		got, err := ParseLanguage(tag)
		if err != nil {
			return
		}
		if again, err := ParseLanguage(got); err != nil || again != got || len(got) > maxLanguage {
			t.Errorf("%q is %q, and that %q, %v", tag, got, again, err)
		}
	})
}
