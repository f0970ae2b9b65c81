package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cohort/federation/fedtest"
	"cohort/store"
	"cohort/web/auth"
)

// startDemo runs the demo on free ports and gives its world; end stops it as
// Ctrl-C would.
func startDemo(t *testing.T) (d *demo, w *world, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	d = &demo{dir: t.TempDir(), log: quiet()}
	if err := d.takeAddresses(ctx, demoCommand{SchoolPort: somePort(t), EmployerPort: somePort(t)}); err != nil {
		t.Fatal(err)
	}
	if err := d.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	furnished, ended := make(chan *world, 1), make(chan error, 1)
	go func() {
		ended <- d.run(ctx, func(w *world) error { furnished <- w; return nil })
	}()
	select {
	case w = <-furnished:
	case err := <-ended:
		t.Fatalf("the demo ended: %v", err)
	}
	return d, w, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	}
}

// tokenOf is a token for someone of the sample world.
func (w *world) tokenOf(t *testing.T, at *instance, handle string) string {
	t.Helper()
	token, err := auth.New(at.social, nil).NewToken(t.Context(), w.people[handle].ID, "read write follow")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// get asks an instance of the demo.
func get(t *testing.T, address, token string) (int, string) {
	t.Helper()
	code, text, err := askAt(t.Context(), http.MethodGet, address, token, nil)
	if err != nil {
		t.Fatal(err)
	}
	return code, text
}

// Texts of the sample world, and where they must be readable.
const (
	publicText = "图书馆门口的桂花开了"
	circleText = "十五年聚会定在五月"
	replyText  = "蛋糕我来订"
)

// The demo as a visitor finds it: both instances answer, a follow, a public
// post and a circle post have crossed and can be read at both, by those who
// may and by nobody else.
func TestDemo(t *testing.T) {
	d, w, end := startDemo(t)
	school, employer := d.school.config.Instance.URL, d.employer.config.Instance.URL
	for _, base := range []string{school, employer} {
		if code, text := get(t, base+"/", ""); code != http.StatusOK || !strings.Contains(text, "<html") {
			t.Errorf("%s answers %d", base, code)
		}
	}
	linwei, hemiao := w.tokenOf(t, w.employer, "linwei"), w.tokenOf(t, w.school, "hemiao")
	if _, home := get(t, employer+"/api/v1/timelines/home", linwei); !containsAll(home, publicText, circleText, replyText) {
		t.Errorf("home of linwei at the employer's: %s", home)
	}
	if _, home := get(t, school+"/api/v1/timelines/home", hemiao); !containsAll(home, publicText, circleText, replyText) {
		t.Errorf("home of hemiao at the school: %s", home)
	}
	for _, s := range w.signIns {
		if s.Handle == "linwei" || s.Handle == "zhouxiao" {
			page := browse(t, s)
			if !containsAll(page(s.Instance+"/"), circleText, replyText) {
				t.Errorf("the home page of %s lacks the circle's posts", s.Handle)
			}
		}
	}
	w.checkOutsiders(t, school, employer)
	w.checkStore(t)
	end()
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// browser is an HTTP client with cookies, for which names under .localhost are
// this machine.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: fedtest.Client.Transport}
}

// browse signs someone in as a browser does and gives what fetches pages.
func browse(t *testing.T, s signIn) func(address string) string {
	t.Helper()
	client := browser(t)
	page := func(address string) string {
		_, text := fetch(t, client, address)
		return text
	}
	found := csrfField.FindStringSubmatch(page(s.Instance + "/sign-in"))
	if found == nil {
		t.Fatal("the page to sign in has no form")
	}
	response, err := client.PostForm(s.Instance+"/sign-in", url.Values{"csrf": {found[1]}, "login": {s.Handle}, "password": {s.Password}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/" {
		t.Fatalf("signing in as %s is answered %s at %s", s.Handle, response.Status, response.Request.URL)
	}
	return page
}

// checkOutsiders looks for the circle's posts as those who may not know them.
func (w *world) checkOutsiders(t *testing.T, school, employer string) {
	t.Helper()
	ctx := t.Context()
	circle, err := w.school.db.CircleBySlug(ctx, class2012.Slug)
	if err != nil {
		t.Fatal(err)
	}
	posts, err := w.school.db.CirclePosts(ctx, store.AsAccount(w.people["hemiao"].ID), circle.ID, store.Page{Limit: 10})
	if err != nil || len(posts.Items) != 2 {
		t.Fatalf("the circle has %d posts, %v", len(posts.Items), err)
	}
	chenmo, gaoyan := w.tokenOf(t, w.school, "chenmo"), w.tokenOf(t, w.employer, "gaoyan")
	for _, p := range posts.Items {
		there, err := w.employer.db.PostByURI(ctx, store.AsAccount(w.people["linwei"].ID), p.URI)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ address, token string }{
			{school + "/api/v1/statuses/" + p.ID.String(), chenmo},
			{school + "/api/v1/statuses/" + p.ID.String(), ""},
			{school + "/posts/" + p.ID.String(), ""},
			{school + "/c/" + class2012.Slug + "/" + p.ID.String(), ""},
			{employer + "/api/v1/statuses/" + there.ID.String(), gaoyan},
			{employer + "/api/v1/statuses/" + there.ID.String(), ""},
			{employer + "/posts/" + there.ID.String(), ""},
		} {
			if code, text := get(t, c.address, c.token); code != http.StatusNotFound || containsAll(text, circleText) {
				t.Errorf("an outsider asks for %s and is answered %d", c.address, code)
			}
		}
	}
	for _, address := range []string{
		school + "/", school + "/local", school + "/@hemiao", school + "/c/" + class2012.Slug, employer + "/", employer + "/public", employer + "/@linwei",
		school + "/api/v1/timelines/public", employer + "/api/v1/timelines/public", school + "/users/" + w.people["hemiao"].ID.String() + "/outbox?page=true",
	} {
		if code, text := get(t, address, ""); code == http.StatusInternalServerError || strings.Contains(text, circleText) || strings.Contains(text, replyText) {
			t.Errorf("%s shows the circle's posts to anyone, or fails: %d", address, code)
		}
	}
}

// checkStore looks at what crossed without going through HTTP.
func (w *world) checkStore(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	hemiao, err := w.employer.db.AccountByURI(ctx, w.people["hemiao"].URI)
	if err != nil {
		t.Fatal(err)
	}
	if rel, err := w.employer.db.Relationship(ctx, w.people["linwei"].ID, hemiao.ID); err != nil || !rel.Following || !rel.FollowedBy {
		t.Errorf("linwei and hemiao do not follow each other: %+v, %v", rel, err)
	}
	for _, i := range []*instance{w.school, w.employer} {
		if dead, err := i.db.DeadJobs(ctx, store.JobFilter{}); err != nil || len(dead) != 0 {
			t.Errorf("%s has given up %+v, %v", i.config.Instance.Name, dead, err)
		}
	}
	home, err := w.employer.db.Home(ctx, w.people["gaoyan"].ID, store.Page{Limit: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range home.Items {
		if p.CircleID != 0 {
			t.Errorf("a colleague's home has %s", p.URI)
		}
	}
}

// The command from its start to its end, which leaves nothing behind.
func TestDemoCommand(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ports := []string{fmt.Sprintf("--school-port=%d", somePort(t)), fmt.Sprintf("--employer-port=%d", somePort(t))}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errOut := newOutput(), newOutput()
	p := &program{ctx: ctx, out: out, errOut: errOut}
	ended := make(chan int, 1)
	go func() { ended <- p.run(append([]string{"demo"}, ports...)) }()
	waitFor(t, "the demo to say where to go", func() error {
		if text := out.String(); !containsAll(text, "Ctrl-C", "linwei", "http://yizhong.localhost:", os.TempDir()) {
			return fmt.Errorf("it says %s %s", text, errOut)
		}
		return nil
	})
	busy, _, code := cohort(t, nil, append([]string{"demo"}, ports...)...)
	if code != exitFailed || busy != "" {
		t.Errorf("a second demo on the same ports ends with %d: %s", code, busy)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) != 1 {
		t.Errorf("the second demo leaves %v, %v", left, err)
	}
	cancel()
	if code := <-ended; code != exitOK || errOut.String() != "" {
		t.Errorf("the demo ends with %d: %s", code, errOut)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) != 0 {
		t.Errorf("the demo leaves %v, %v", left, err)
	}
	if _, errText, code := cohort(t, nil, "demo", "--config", "x"); code != exitUsage || !strings.Contains(errText, "--config") {
		t.Errorf("with a configuration the demo ends with %d: %s", code, errText)
	}
}
