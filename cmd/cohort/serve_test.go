package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// output collects what a program prints while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newOutput() *output { return new(output) }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// serveCommandLine runs cohort serve; end stops it and gives the exit code.
func serveCommandLine(t *testing.T, environ []string) (out, errOut *output, end func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	out, errOut = newOutput(), newOutput()
	p := &program{ctx: ctx, out: out, errOut: errOut, environ: environ}
	ended := make(chan int, 1)
	go func() { ended <- p.run([]string{"serve"}) }()
	waitFor(t, "serve to say so", func() error {
		select {
		case code := <-ended:
			ended <- code
			return fmt.Errorf("it ended with %d: %s", code, errOut)
		default:
		}
		if !strings.Contains(errOut.String(), "msg=serving") {
			return fmt.Errorf("its log: %s", errOut)
		}
		return nil
	})
	return out, errOut, func() int {
		cancel()
		return <-ended
	}
}

// The first start: a link to become the admin, which is in no log and works
// once, and what a real instance would need. Later starts print no link.
func TestServe(t *testing.T) {
	dir, port := t.TempDir(), somePort(t)
	environ := environFor(dir, port, "COHORT_LIMITS_ENABLED=true")
	base := fmt.Sprintf("http://localhost:%d", port)
	out, errOut, end := serveCommandLine(t, environ)
	_, secret, ok := strings.Cut(out.String(), base+"/setup/")
	secret, _, _ = strings.Cut(secret, "\n")
	if !ok || len(secret) < 32 {
		t.Fatalf("serve prints %s", out)
	}
	log := errOut.String()
	if strings.Contains(log, secret) || !strings.Contains(log, "plain http") || !strings.Contains(log, filepath.Join(dir, "mail")) {
		t.Errorf("the log is %s", log)
	}

	page := becomeAdmin(t, base, secret, "root")
	if !strings.Contains(page, "root") {
		t.Errorf("the new admin sees %s", page)
	}
	if code, _ := fetch(t, http.DefaultClient, base+"/setup/"+secret); code != http.StatusNotFound {
		t.Errorf("the used link is answered %d", code)
	}
	if listed, _, code := cohort(t, environ, "account", "list"); code != exitOK || !strings.Contains(listed, "@root") || !strings.Contains(listed, "admin") {
		t.Errorf("a command beside the server ends with %d: %s", code, listed)
	}
	_, figures := fetch(t, http.DefaultClient, base+"/metrics")
	for _, name := range []string{
		`cohort_http_requests_total{area="pages"`, "cohort_queue_waiting ", "cohort_queue_oldest_seconds ", "cohort_queue_dead ", "cohort_database_bytes ", "cohort_database_up 1",
	} {
		if !strings.Contains(figures, name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	if _, errText, code := cohort(t, environ, "serve"); code != exitFailed || !strings.Contains(errText, "is being served already") {
		t.Errorf("a second server ends with %d: %s", code, errText)
	}
	other := t.TempDir()
	if _, errText, code := cohort(t, environFor(other, port), "serve"); code != exitFailed || !strings.Contains(errText, "another program listens on 127.0.0.1:") {
		t.Errorf("another server on the same port ends with %d: %s", code, errText)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	if code := end(); code != exitOK {
		t.Errorf("serve ends with %d: %s", code, errOut)
	}

	out, errOut, end = serveCommandLine(t, environ)
	if strings.Contains(out.String(), "/setup/") {
		t.Errorf("with an admin, serve prints %s", out)
	}
	if code := end(); code != exitOK {
		t.Errorf("serve ends with %d: %s", code, errOut)
	}
}

// becomeAdmin uses a setup link as a browser does and gives the page it leads to.
func becomeAdmin(t *testing.T, base, secret, handle string) string {
	t.Helper()
	client := browser(t)
	code, form := fetch(t, client, base+"/setup/"+secret)
	found := csrfField.FindStringSubmatch(form)
	if code != http.StatusOK || found == nil {
		t.Fatalf("the link is answered %d %s", code, form)
	}
	response, err := client.PostForm(base+"/setup/"+secret, url.Values{
		"csrf": {found[1]}, "handle": {handle}, "email": {handle + "@mail.example"}, "password": {servedPassword},
	})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	code, page := fetch(t, client, base+"/settings")
	if code != http.StatusOK {
		t.Errorf("after the setup, %s leads to %s, and settings to %d", base, response.Request.URL, code)
	}
	return page
}

func TestServeRefusesToExposeProfiles(t *testing.T) {
	dir := t.TempDir()
	_, errText, code := cohort(t, environFor(dir, somePort(t)), "serve", "--pprof", "0.0.0.0:6060")
	if code != exitUsage || !strings.Contains(errText, "--pprof") {
		t.Errorf("exit code %d: %s", code, errText)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("something was written: %v, %v", left, err)
	}
}
