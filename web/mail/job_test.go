package mail

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// desk is an instance that sends its mail to an SMTP server of the test.
type desk struct {
	t      testing.TB
	s      *social.Service
	db     *store.DB
	box    *inbox
	worker *store.Worker
	log    bytes.Buffer
	shift  time.Duration
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, db: storetest.Open(t), box: &inbox{}}
	d.db.Now = func() time.Time { return time.Now().Add(d.shift) }
	log := slog.New(slog.NewTextHandler(&d.log, nil))
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.s, err = social.New(social.Config{
		BaseURL: "https://school.example", Host: "school.example", Domain: "school.example", Name: "湘南一中", Languages: []string{"zh", "en"},
		Registration: social.RegistrationOpen, Secret: []byte(strings.Repeat("s", 32)),
	}, d.db, files, log)
	if err != nil {
		t.Fatal(err)
	}
	jobs := NewJobs(newMailer(t, "smtp://"+serve(t, d.box, nil, false), nil), d.s, log)
	d.worker = store.NewWorker(d.db, store.WorkerConfig{Handlers: jobs.Handlers(), Log: log})
	return d
}

func (d *desk) register(lang string) *store.Account {
	d.t.Helper()
	a, err := d.s.Register(d.t.Context(), social.Registration{Handle: "lin", Email: "Lin@mail.example", Password: "correct horse battery", Language: lang, Agreed: true})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *desk) run() {
	d.t.Helper()
	if _, err := d.worker.RunOnce(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) waiting() int64 {
	d.t.Helper()
	q, err := d.db.QueueStats(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	if q.Dead != 0 {
		d.t.Errorf("%d mails are given up", q.Dead)
	}
	return q.Waiting
}

// Each purpose has its mail, in the reader's language, with the code that is asked for.
func TestJobSends(t *testing.T) {
	for lang, words := range map[string][]string{"en": {"confirm your e-mail", "Your code: ", "15 minutes"}, "zh": {"确认邮箱", "验证码：", "15 分钟"}, "": {"确认邮箱"}} {
		d := newDesk(t)
		a := d.register(lang)
		d.run()
		got := d.box.taken()
		if len(got) != 1 || got[0].to[0] != "Lin@mail.example" || d.waiting() != 0 {
			t.Fatalf("%d mails, %d waiting", len(got), d.waiting())
		}
		v, err := d.db.LatestVerification(t.Context(), a.ID, "confirm")
		if err != nil {
			t.Fatal(err)
		}
		text := plainText(t, got[0].data)
		for _, word := range append(words, d.s.CodeFor(v.ID), "https://school.example/confirm", "湘南一中") {
			if !strings.Contains(text, word) {
				t.Errorf("%q: no %q in %s", lang, word, text)
			}
		}
		if strings.Contains(text, "{") || strings.Contains(d.log.String(), d.s.CodeFor(v.ID)) || strings.Contains(d.log.String(), "lin@mail") {
			t.Errorf("a placeholder is left, or the log says too much: %s\n%s", text, d.log.String())
		}
	}
}

func TestJobOfOtherPurposes(t *testing.T) {
	d := newDesk(t)
	a := d.register("en")
	d.run()
	d.box.taken()
	if err := d.s.StartReset(t.Context(), "lin@mail.example"); err != nil {
		t.Fatal(err)
	}
	v, err := d.db.LatestVerification(t.Context(), a.ID, "confirm")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.s.Confirm(t.Context(), a.ID, d.s.CodeFor(v.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.Register(t.Context(), social.Registration{Handle: "other", Email: "lin@mail.example", Password: "correct horse battery", Language: "en", Agreed: true}); err != nil {
		t.Fatal(err)
	}
	d.run()
	got := d.box.taken()
	if len(got) != 3 { // the box keeps what it took
		t.Fatalf("%d mails", len(got))
	}
	reset, taken := plainText(t, got[1].data), plainText(t, got[2].data)
	v, err = d.db.LatestVerification(t.Context(), a.ID, "reset")
	if err != nil || !strings.Contains(reset, d.s.CodeFor(v.ID)) || !strings.Contains(reset, "/reset") || !strings.Contains(reset, "@lin") {
		t.Errorf("%v: %s", err, reset)
	}
	v, err = d.db.LatestVerification(t.Context(), a.ID, "taken")
	if err != nil || strings.Contains(taken, d.s.CodeFor(v.ID)) || !strings.Contains(taken, "/sign-in") {
		t.Errorf("%v: %s", err, taken)
	}
}

// What is no longer of use is not sent, what is refused for good is forgotten, and the rest comes later.
func TestJobGivesUpAndComesBack(t *testing.T) {
	t.Run("expired", func(t *testing.T) {
		d := newDesk(t)
		d.register("en")
		d.shift = social.CodeLife + time.Second
		d.run()
		if len(d.box.taken()) != 0 || d.waiting() != 0 {
			t.Error("an expired code was sent, or waits")
		}
	})
	t.Run("refused", func(t *testing.T) {
		d := newDesk(t)
		d.box.failRcpt = &smtp.SMTPError{Code: 550, Message: "no"}
		d.register("en")
		d.run()
		if d.waiting() != 0 {
			t.Error("a refused mail is tried again")
		}
	})
	t.Run("busy", func(t *testing.T) {
		d := newDesk(t)
		d.box.failRcpt = &smtp.SMTPError{Code: 450, Message: "later"}
		d.register("en")
		d.run()
		if d.waiting() != 1 {
			t.Fatal("the mail is lost")
		}
		d.box.mu.Lock()
		d.box.failRcpt = nil
		d.box.mu.Unlock()
		d.shift = 5 * time.Minute
		d.run()
		if len(d.box.taken()) != 1 || d.waiting() != 0 {
			t.Errorf("%d mails, %d waiting", len(d.box.taken()), d.waiting())
		}
	})
	t.Run("unknown", func(t *testing.T) {
		d := newDesk(t)
		a := d.register("en")
		v, err := d.db.LatestVerification(t.Context(), a.ID, "confirm")
		if err != nil {
			t.Fatal(err)
		}
		jobs := NewJobs(newMailer(t, "smtp://"+serve(t, d.box, nil, false), nil), d.s, slog.New(slog.DiscardHandler))
		for name, job := range map[string]store.Job{"no such row": {ObjectID: 1, Target: "confirm"}, "other purpose": {ObjectID: v.ID, Target: "reset"}} {
			if err := jobs.Send(t.Context(), job); !errors.Is(err, store.ErrDrop) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// plainText is the subject and the text of a mail.
func plainText(t *testing.T, data []byte) string {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	decoder := mime.WordDecoder{}
	subject, err := decoder.DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if err != nil {
		t.Fatal(err)
	}
	return subject + "\n" + string(body)
}
