package social

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

func TestCheckPassword(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, "correct") {
		t.Errorf("hash %q", hash)
	}
	other, err := HashPassword("correct horse")
	if err != nil || other == hash {
		t.Errorf("two hashes of one password: %q, %v", other, err)
	}
	if !CheckPassword(hash, "correct horse") {
		t.Error("the password is refused")
	}
	for _, bad := range []string{"", "correct horsE", "correct horse ", hash, strings.Repeat("x", 300), "correct horse\x00"} {
		if CheckPassword(hash, bad) {
			t.Errorf("%.20q is accepted", bad)
		}
	}
}

// The same letters from two keyboards are the same password.
func TestCheckPasswordForms(t *testing.T) {
	hash, err := HashPassword("caf\u00e9 caf\u00e9")
	if err != nil {
		t.Fatal(err)
	}
	if !CheckPassword(hash, "cafe\u0301 cafe\u0301") {
		t.Error("decomposed letters are refused")
	}
}

func TestCheckPasswordRefusesHashes(t *testing.T) {
	const salt, key = "c2FsdHNhbHRzYWx0c2E", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, hash := range []string{
		"", "x", "$argon2id$", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key, "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1000000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=200$" + salt + "$" + key, "$argon2id$v=19$m=0,t=0,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1,p=1$$" + key, "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=-1,t=1,p=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1,p=1$!!$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 400), "$2y$10$abcdefghijklmnopqrstuv",
	} {
		if _, ok := parseArgon(hash); ok {
			t.Errorf("%q is taken for a hash", hash)
		}
		if CheckPassword(hash, "") {
			t.Errorf("%q accepts the empty password", hash)
		}
	}
}

// An account that does not exist costs what one that does costs.
func TestCheckPasswordUnknownAccount(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	best := func(hash string) time.Duration {
		least := time.Hour
		for range 4 {
			start := time.Now()
			if CheckPassword(hash, "wrong horse!") {
				t.Error("accepted")
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	known, unknown := best(hash), best("")
	if unknown < known/3 || known < unknown/3 {
		t.Errorf("known %v, unknown %v", known, unknown)
	}
}

// While as many hashes as allowed are in work, the next one waits.
func TestHashingIsLimited(t *testing.T) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	var free atomic.Bool
	done := make(chan error, 1)
	go func() {
		_, err := HashPassword("correct horse")
		if err == nil && !free.Load() {
			err = errors.New("one more hash than allowed")
		}
		done <- err
	}()
	for range 3 { // longer than one hash takes
		argon2.IDKey([]byte("x"), []byte("saltsalt"), argonTime, argonMemory, argonThreads, argonKey)
	}
	free.Store(true)
	for range cap(hashing) {
		<-hashing
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestValidatePassword(t *testing.T) {
	tests := []struct{ password, key string }{
		{"", "invalid.password_short"},
		{"1234567", "invalid.password_short"},
		{"七个汉字密码吗", "invalid.password_short"},
		{strings.Repeat("x", 257), "invalid.password_long"},
		{strings.Repeat("汉", 257), "invalid.password_long"},
		{strings.Repeat("x", 5000), "invalid.password_long"},
		{"12345678", "invalid.password_common"},
		{"Password1", "invalid.password_common"},
		{"WoAiNi1314", "invalid.password_common"},
		{"１２３４５６７８", "invalid.password_common"},
		{"aaaaaaaaaaaa", "invalid.password_common"},
		{"          ", "invalid.password_common"},
		{"lin_wei_2012", "invalid.password_personal"},
		{"LIN_WEI_2012", "invalid.password_personal"},
		{"linwei@mail.example", "invalid.password_personal"},
		{"mail.example", "invalid.password_personal"},
		{"bad\xffbyte!", "invalid.password"},
		{"nul\x00byte!", "invalid.password"},
		{"correct horse", ""},
		{"八个汉字的密码呀", ""},
		{strings.Repeat("ab", 128), ""},
	}
	for _, tt := range tests {
		err := ValidatePassword(tt.password, "lin_wei_2012", "linwei@mail.example")
		var invalid *Invalid
		errors.As(err, &invalid)
		if tt.key == "" && err != nil || tt.key != "" && (invalid == nil || invalid.Key != tt.key || invalid.Field != "password") {
			t.Errorf("ValidatePassword(%.30q) = %v, want %q", tt.password, err, tt.key)
		}
		if err != nil && len(tt.password) > 0 && strings.Contains(fmt.Sprint(err, invalid), tt.password) {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
	if err := ValidatePassword("correct horse", "", ""); err != nil {
		t.Errorf("without handle and mail: %v", err)
	}
}

func TestInvalid(t *testing.T) {
	err := fmt.Errorf("register: %w", &Invalid{Field: "email", Key: "invalid.email"})
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Field != "email" {
		t.Error("not found in the chain")
	}
	if !errors.Is(err, &Invalid{Field: "email"}) || errors.Is(err, &Invalid{Field: "password"}) || errors.Is(err, ErrForbidden) {
		t.Error("compared wrongly")
	}
}

func BenchmarkCheckPassword(b *testing.B) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		CheckPassword(hash, "wrong horse!")
	}
}
