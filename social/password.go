package social

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// What a new password costs: 19 MiB and two passes, about 40 ms of one core.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes
)

// Limits for hashes made elsewhere, so that a row never decides how much
// memory a sign-in takes.
const (
	argonMaxMemory  = 128 * 1024 // KiB
	argonMaxTime    = 10
	argonMaxThreads = 8
)

const (
	minPassword = 8   // characters
	maxPassword = 256 // characters
)

// hashing holds one token per hash in work: a flood of sign-ins waits here
// instead of taking 19 MiB each.
var hashing = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

// dummyHash is what a sign-in to an account that does not exist is compared
// with, so that it costs the same as to one that does.
var dummyHash = sync.OnceValue(func() string {
	hash, err := HashPassword(rand.Text())
	if err != nil {
		return ""
	}
	return hash
})

// HashPassword makes the argon2id hash that is stored for a password, as a PHC
// string ($argon2id$v=19$m=…,t=…,p=…$salt$key). It waits while other hashes
// are being made. It does not judge the password; ValidatePassword does.
func HashPassword(password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	p := argonParams{memory: argonMemory, time: argonTime, threads: argonThreads, salt: salt}
	key := p.derive(password, argonKey)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.memory, p.time, p.threads, enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// CheckPassword tells in constant time whether password made hash. Pass an
// empty hash when there is no such account or it has no password: the answer
// is false after the same work, so that the time taken tells nothing.
func CheckPassword(hash, password string) bool {
	p, ok := parseArgon(hash)
	if !ok || utf8.RuneCountInString(password) > maxPassword {
		dummy, dummyOK := parseArgon(dummyHash())
		if dummyOK {
			dummy.derive("x", len(dummy.key))
		}
		return false
	}
	return subtle.ConstantTimeCompare(p.derive(password, len(p.key)), p.key) == 1
}

type argonParams struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// derive does the work. Characters are brought to one form first: what two
// keyboards send for the same letters is the same password.
func (p *argonParams) derive(password string, length int) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), p.salt, p.time, p.memory, p.threads, uint32(length)) //nolint:gosec // length is 16 to 64
}

func parseArgon(hash string) (argonParams, bool) {
	var p argonParams
	if len(hash) > 300 {
		return p, false
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return p, false
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return p, false
	}
	memory, ok1 := cost(costs[0], "m=", argonMaxMemory)
	passes, ok2 := cost(costs[1], "t=", argonMaxTime)
	threads, ok3 := cost(costs[2], "p=", argonMaxThreads)
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return p, false
	}
	return argonParams{memory: memory, time: passes, threads: uint8(threads), salt: salt, key: key}, true //nolint:gosec // threads is at most 8
}

func cost(s, prefix string, limit uint64) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && n <= limit
}

// ValidatePassword says whether a new password is good enough: 8 to 256
// characters, not the handle or the e-mail address, not one of the commonest
// and not one character over and over. No classes of characters are asked for.
// The error is an *Invalid on the field "password".
func ValidatePassword(password, handle, email string) error {
	invalid := func(key string) error {
		return &Invalid{Field: "password", Key: key, Args: map[string]any{"Min": minPassword, "Max": maxPassword}}
	}
	if len(password) > 4*maxPassword || utf8.RuneCountInString(password) > maxPassword {
		return invalid("invalid.password_long")
	}
	if !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return invalid("invalid.password")
	}
	if utf8.RuneCountInString(password) < minPassword {
		return invalid("invalid.password_short")
	}
	folded := strings.ToLower(strings.TrimSpace(norm.NFKC.String(password)))
	local, domain, _ := strings.Cut(strings.ToLower(email), "@")
	for _, own := range []string{strings.ToLower(handle), strings.ToLower(email), local, domain} {
		if own != "" && folded == own {
			return invalid("invalid.password_personal")
		}
	}
	first, size := utf8.DecodeRuneInString(folded)
	if _, common := commonPasswords[folded]; common || size == 0 || strings.Trim(folded, string(first)) == "" {
		return invalid("invalid.password_common")
	}
	return nil
}

// commonPasswords are the ones of at least 8 characters that guessing begins
// with, here and elsewhere.
var commonPasswords = func() map[string]struct{} {
	const words = `01234567 012345678 0123456789 0987654321 1122334455 11223344 112233445566 12121212 123123123
		12312312 123321123 12341234 123454321 12345678 123456789 1234567890 1234567891 12345678910 123456789a
		123456789q 12345679 123456abc 12345qwert 1234abcd 1234qwer 123abc456 123qweasd 123qweasdzxc 131421131421
		13145201314 1314520520 147258369 1472583690 159357456 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc
		1qazxsw2 20082008 21212121 2wsx3edc 31415926 314159265 321321321 52013140 5201314520 520131420 52013141314
		741852963 7758521521 77585210 78787878 789456123 8675309a 87654321 963852741 98765432 987654321 9876543210
		a12345678 a123456789 a1b2c3d4 a1b2c3d4e5 aa123456 aa12345678 aa123456789 abc123456 abc12345 abcd1234 abcd12345
		abcdefg1 abcdefgh abcdefghi admin123 admin1234 admin12345 administrator adminadmin alexander asdasdasd
		asdf1234 asdfasdf asdfghjk asdfghjkl asdfjkl; baseball basketball changeme changeme1 charlie1 chocolate
		computer corvette dearbook default1 football football1 freedom1 hello123 helloworld iloveyou iloveyou1
		iloveyou2 internet jennifer killer123 letmein1 letmein123 liverpool login123 manchester master123 maverick
		metallica michelle midnight minecraft mustang1 nicholas nihao123 p@ssw0rd p@ssword pa$$word pass1234
		passw0rd password password! password01 password1 password1! password11 password12 password123
		password1234 password2 password3 patricia pokemon1 princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsx123
		qazwsxedc qq123456 qq123456789 qwaszx12 qweasdzxc qwer1234 qwerasdf qwert123 qwert12345 qwerty12
		qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop qwertyuiop123 qwqwqwqw sam1234567 samantha school123
		secret123 shadow123 spiderman starwars student1 student123 summer2024 summer2025 sunshine sunshine1
		superman superman1 teacher123 test1234 test12345 testtest trustno1 victoria welcome1 welcome123 whatever
		wojiushiwo woaini123 woaini1314 woaini520 woaini521 woaiwojia woaiwoziji xiaoxiao xxxxxxxx zaq12wsx
		zaq1zaq1 zhang123 zhangwei zxcvbnm1 zxcvbnm123 zxcvbnm, zxczxczxc`
	set := make(map[string]struct{})
	for word := range strings.FieldsSeq(words) {
		set[word] = struct{}{}
	}
	return set
}()
