//go:build full

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
)

// TestBrowser walks through the pages as a person does, on narrow and wide
// windows, with scripts and without, in both languages.
func TestBrowser(t *testing.T) {
	browser := chromium(t)
	j := &journeys{
		browser: browser,
		school:  startInstance(t, "yizhong.localhost", "第一中学", "school", ""),
		firm:    startInstance(t, "aurora.localhost", "Aurora", "employer", ""),
	}
	j.friend = j.firm.member("lin")
	j.mate = j.school.member("mate")
	j.school.cli("", "circle", "create", "--slug", "2012-3", "--name", "2012(3)", "--unit", "class-3", "--from", "2012", "--to", "2012")
	j.seat("mate")
	j.joinCircle(t, j.mate)
	for _, kind := range []struct {
		width   int64
		scripts bool
		lang    string
	}{{360, true, "zh"}, {1280, true, "en"}, {360, false, "en"}, {1280, false, "zh"}} {
		name := fmt.Sprintf("%d %s scripts %t", kind.width, kind.lang, kind.scripts)
		t.Run(name, func(t *testing.T) {
			w := openWindow(browser, t, kind.width, kind.scripts, kind.lang)
			// A wrong code and a wrong password are answered so.
			w.allowed = []string{"422 (Unprocessable Entity) " + j.school.URL + "/confirm", "422 (Unprocessable Entity) " + j.school.URL + "/sign-in"}
			j.walk(t, w, fmt.Sprintf("kai%d", len(j.people)))
			w.quiet()
		})
	}
}

// journeys are the instances that are walked through, and those who live there.
type journeys struct {
	browser      context.Context
	school, firm *running
	friend, mate string // tokens: lin at the firm, mate at the school
	people       []string
}

func (j *journeys) seat(handle string) {
	j.school.cli("", "seat", "grant", "--handle", handle, "--type", "alumnus", "--unit", "class-3", "--from", "2012", "--to", "2012", "--reason", "seen")
}

func (j *journeys) joinCircle(t *testing.T, token string) {
	t.Helper()
	var circle entity
	j.school.call(token, http.MethodGet, "/api/v1/accounts/lookup", url.Values{"acct": {"2012-3"}}, http.StatusOK, &circle)
	j.school.call(token, http.MethodPost, "/api/v1/accounts/"+circle.text("id")+"/follow", nil, http.StatusOK, nil)
}

// walk is one person's way through everything.
func (j *journeys) walk(t *testing.T, w *window, handle string) {
	t.Helper()
	j.people = append(j.people, handle)
	j.signUp(w, handle)
	j.write(w, handle)
	theirs := j.meet(t, w, handle)
	j.react(t, w, theirs)
	j.remove(w, handle)
	j.profile(w, handle)
	j.circle(t, w, handle)
	j.leave(w, handle)
}

// signUp opens an account with the code from the mail.
func (j *journeys) signUp(w *window, handle string) {
	w.t.Helper()
	w.open(j.school.URL + "/")
	w.see("heading", j.school.Name)
	w.tabs(4)
	w.follow("link", w.text("front.join"))
	w.tabs(6)
	w.write("textbox", w.text("join.handle"), handle)
	w.write("textbox", w.text("join.email"), handle+"@mail.example")
	w.write("textbox", w.text("join.password"), "short")
	w.click("checkbox", w.text("join.agree"))
	// The browser itself holds back what is too short.
	w.click("button", w.text("join.go"))
	w.see("heading", w.text("join.title"))
	w.rewrite("textbox", w.text("join.password"), password)
	w.follow("button", w.text("join.go"))
	w.see("heading", w.text("confirm.title"))
	w.write("textbox", w.text("confirm.code"), "00000000")
	w.follow("button", w.text("confirm.go"))
	w.see("alert", "…")
	w.rewrite("textbox", w.text("confirm.code"), j.code(w, handle))
	w.follow("button", w.text("confirm.go"))
	w.see("heading", w.text("home.empty"))
}

// codes finds the code in a mail.
var codes = regexp.MustCompile(`\b\d{8}\b`)

// code is the newest code that was mailed to someone.
func (j *journeys) code(w *window, handle string) (code string) {
	w.t.Helper()
	w.wait("no code is mailed", func() error {
		for _, text := range j.school.mails(handle + "@mail.example") {
			code = codes.FindString(text)
		}
		if code == "" {
			return errors.New("no mail has one")
		}
		return nil
	})
	return code
}

// write posts a text with a picture.
func (j *journeys) write(w *window, handle string) {
	w.t.Helper()
	w.follow("link", w.text("nav.write"))
	w.write("textbox", w.text("compose.label"), "First words of "+handle)
	w.click("DisclosureTriangle", w.text("compose.pictures"))
	w.choose(w.text("compose.file")+"…", picture(w.t, 640, 400))
	w.write("textbox", w.text("compose.alt"), "Otters of "+handle)
	w.shoot("compose")
	w.follow("button", w.text("compose.send"))
	within := w.post("First words of " + handle)
	w.seeIn(within, "image", "Otters of "+handle)
	w.open(j.school.URL + "/")
	w.post("First words of " + handle)
}

// meet finds someone on the other instance, follows them, and sees their next
// post arrive.
func (j *journeys) meet(t *testing.T, w *window, handle string) (theirs entity) {
	t.Helper()
	if w.width < 600 {
		w.follow("link", w.text("nav.search")) // in the bar at the top
	} else {
		w.open(j.school.URL + "/search")
	}
	w.write("searchbox", w.text("search.label"), "@lin@"+j.firm.Host)
	w.follow("button", w.text("nav.search"))
	w.follow("button", w.text("follow.start")+"…")
	w.wait("lin is not followed", func() error {
		var followers []entity
		err := j.firm.ask(j.friend, http.MethodGet, "/api/v1/accounts/"+j.firm.me(j.friend).text("id")+"/followers", nil, http.StatusOK, &followers)
		if err != nil || !slices.ContainsFunc(followers, func(f entity) bool { return f.text("username") == handle }) {
			return errors.Join(err, fmt.Errorf("those who follow are %v", followers))
		}
		return nil
	})
	w.open(j.school.URL + "/")
	j.firm.call(j.friend, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"Hello from the firm, " + handle}}, http.StatusOK, &theirs)
	if w.scripts {
		w.post("Hello from the firm, " + handle)
		return theirs
	}
	w.wait("the post does not come", func() error {
		w.loading(func() { call(w, page.Reload, page.ReloadParams{}) })
		_, err := w.article("Hello from the firm, " + handle)
		return err
	})
	return theirs
}

// react answers, likes and boosts the post of the other instance, and looks
// there whether it came to pass.
func (j *journeys) react(t *testing.T, w *window, theirs entity) {
	t.Helper()
	text := "Hello from the firm, " + j.people[len(j.people)-1]
	press := func(key, count string) {
		t.Helper()
		button := w.seeIn(w.post(text), "button", w.text(key)+"…")
		if w.scripts {
			w.clickOn(button.BackendDOMNodeID)
		} else {
			w.loading(func() { w.clickOn(button.BackendDOMNodeID) })
		}
		w.wait("the button does not stay pressed", func() error {
			within, err := w.article(text)
			if err != nil {
				return err
			}
			buttons, err := w.all(within, "button", w.text(key)+"…")
			if err != nil || len(buttons) != 1 || !property(buttons[0], "pressed", "true") {
				return errors.Join(err, fmt.Errorf("it is %v", buttons))
			}
			return nil
		})
		waitFor(t, "the other instance to count "+count, func() error {
			var post map[string]any
			err := j.firm.ask(j.friend, http.MethodGet, "/api/v1/statuses/"+theirs.text("id"), nil, http.StatusOK, &post)
			if err == nil && post[count] != 1.0 {
				err = fmt.Errorf("it counts %v", post[count])
			}
			return err
		})
	}
	press("post.favourite", "favourites_count")
	press("post.boost", "reblogs_count")
	w.followIn(w.post(text), "link", w.text("post.reply")+"…")
	if w.scripts {
		if at, length := w.caret(); at != length || length == 0 {
			t.Errorf("in an answer that begins with %d letters one types at %d", length, at)
		}
	}
	w.write("textbox", w.text("compose.reply_label", "name", "lin"), "An answer")
	w.follow("button", w.text("compose.send_reply"))
	w.post("An answer")
	waitFor(t, "the answer to reach the other instance", func() error {
		var thread map[string][]entity
		err := j.firm.ask(j.friend, http.MethodGet, "/api/v1/statuses/"+theirs.text("id")+"/context", nil, http.StatusOK, &thread)
		if err == nil && (len(thread["descendants"]) != 1 || !strings.Contains(thread["descendants"][0].text("content"), "An answer")) {
			err = fmt.Errorf("below the post is %v", thread["descendants"])
		}
		return err
	})
}

// remove deletes the person's own first post.
func (j *journeys) remove(w *window, handle string) {
	w.t.Helper()
	w.open(j.school.URL + "/@" + handle)
	within := w.post("First words of " + handle)
	w.clickOn(w.seeIn(within, "DisclosureTriangle", w.text("post.more")).BackendDOMNodeID)
	w.followIn(within, "link", w.text("post.delete"))
	w.see("heading", w.text("delete.title"))
	w.follow("button", w.text("delete.yes"))
	w.open(j.school.URL + "/@" + handle)
	if _, err := w.article("First words of " + handle); err == nil {
		w.fail("the deleted post is still there")
	}
}

// profile changes name, bio and picture.
func (j *journeys) profile(w *window, handle string) {
	w.t.Helper()
	w.follow("link", w.text("profile.edit"))
	w.write("textbox", w.text("settings.name")+"…", "Kai 凯")
	w.write("textbox", w.text("settings.bio")+"…", "Swims.")
	w.choose(w.text("settings.avatar")+"…", picture(w.t, 300, 300))
	w.follow("button", w.text("form.save"))
	w.open(j.school.URL + "/@" + handle)
	w.see("heading", "Kai 凯")
	var account entity
	j.school.call("", http.MethodGet, "/api/v1/accounts/lookup", url.Values{"acct": {handle}}, http.StatusOK, &account)
	if account.text("display_name") != "Kai 凯" || strings.Contains(account.text("avatar"), "/static/") || !strings.Contains(account.text("note"), "Swims.") {
		w.t.Errorf("the profile is %v", account)
	}
}

// circle stands before the door of a circle, is let in, and speaks there;
// whoever is outside sees nothing of it.
func (j *journeys) circle(t *testing.T, w *window, handle string) {
	t.Helper()
	var inside entity
	j.school.call(j.mate, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"@2012-3 Among us, " + handle}, "visibility": {"private"}}, http.StatusOK, &inside)
	w.open(j.school.URL + "/c/2012-3")
	w.see("heading", w.text("circle.closed"))
	w.closed(inside, "Among us")
	w.follow("button", w.text("circle.ask"))
	w.see("heading", w.text("circle.waiting"))
	w.closed(inside, "Among us")

	j.seat(handle)
	w.open(j.school.URL + "/c/2012-3")
	w.post("Among us, " + handle)
	w.follow("link", w.text("circle.prompt", "circle", "2012(3)"))
	w.write("textbox", w.text("compose.label"), "Inside, "+handle)
	w.shoot("circle")
	w.follow("button", w.text("compose.send"))
	w.post("Inside, " + handle)
	own := w.address()
	w.open(j.school.URL + "/c/2012-3?tab=people")
	w.see("link", "mate…")

	outsider := openWindow(j.browser, t, w.width, w.scripts, w.lang)
	outsider.allowed = []string{"404 (Not Found) " + own}
	outsider.open(own)
	outsider.see("heading", outsider.text("errorpage.404.title"))
	outsider.open(j.school.URL + "/c/2012-3?tab=people")
	outsider.see("heading", outsider.text("circle.closed"))
	outsider.closed(inside, "Inside")
	outsider.missing("link", "mate…")
	outsider.open(j.school.URL + "/public")
	outsider.closed(inside, "Inside")
	outsider.quiet()
}

// closed fails the test if a page shows anything of a post.
func (w *window) closed(post entity, text string) {
	w.t.Helper()
	if _, shown := w.at(); strings.Contains(shown, text) || strings.Contains(shown, post.text("id")) {
		w.t.Errorf("at %s an outsider reads\n%s", w.address(), shown)
	}
}

// leave signs out, and cannot come back in without signing in.
func (j *journeys) leave(w *window, handle string) {
	w.t.Helper()
	if w.width < 600 {
		w.open(j.school.URL + "/@" + handle)
	} else {
		w.open(j.school.URL + "/")
	}
	w.follow("button", w.text("nav.signout"))
	w.open(j.school.URL + "/inbox")
	w.see("heading", w.text("signin.title"))
	w.write("textbox", w.text("signin.login"), handle)
	w.write("textbox", w.text("join.password"), "wrong words")
	w.follow("button", w.text("signin.go"))
	w.see("alert", "…")
	w.write("textbox", w.text("join.password"), password)
	w.follow("button", w.text("signin.go"))
	w.see("heading", w.text("nav.inbox"))
}
