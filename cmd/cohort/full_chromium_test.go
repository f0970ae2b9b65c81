//go:build full

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cohort/web/i18n"
)

// chromium starts one headless browser; each window in it has its own cookies.
func chromium(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(tool(t, "chromium", "on Debian, apt-get install chromium")),
		chromedp.DisableGPU, chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// window is one window of the browser and the person before it, who finds
// things by their role and their name, as with a screen reader.
type window struct {
	t       *testing.T
	ctx     context.Context
	width   int64
	lang    string
	scripts bool
	shots   int

	mu       sync.Mutex
	loads    int
	problems []string
	allowed  []string // what a problem may be about
}

func openWindow(browser context.Context, t *testing.T, width int64, scripts bool, lang string) *window {
	t.Helper()
	w := &window{t: t, width: width, lang: lang, scripts: scripts}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.hear))
	t.Cleanup(cancel)
	w.ctx = ctx
	language := map[string]string{"zh": "zh-CN,zh;q=0.9", "en": "en-GB,en;q=0.9"}[lang]
	w.must(chromedp.Do(ctx,
		chromedp.EmulateViewport(width, 800, func(p *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
			p.Mobile = width < 600
		})))
	call(w, runtime.Enable, cdp.Empty{})
	call(w, cdplog.Enable, cdp.Empty{})
	call(w, audits.Enable, cdp.Empty{})
	call(w, network.Enable, network.EnableParams{})
	call(w, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
	call(w, dom.Enable, dom.EnableParams{})
	call(w, css.Enable, cdp.Empty{})
	call(w, accessibility.Enable, cdp.Empty{})
	call(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	return w
}

// call sends one command to the browser; none of them may fail.
func call[P, R any](w *window, command cdp.Command[P, R], params P) R {
	w.t.Helper()
	result, err := try(w, command, params)
	if err != nil {
		w.fail("the browser does not do %s: %v", command.Method, err)
	}
	return result
}

// try sends one command that may fail while a page changes.
func try[P, R any](w *window, command cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(w.ctx, soonTime)
	defer cancel()
	return chromedp.Call(ctx, command, params)
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.fail("the browser says: %v", err)
	}
}

// fail ends the test and says where the window was.
func (w *window) fail(format string, args ...any) {
	w.t.Helper()
	w.shoot("failed")
	address, text := w.at()
	w.t.Fatalf("%s\nat %s, where it reads:\n%s", fmt.Sprintf(format, args...), address, tail(text, 3000))
}

// at is the address and what a screen reader would read out.
func (w *window) at() (address, text string) {
	tree, err := try(w, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return "", err.Error()
	}
	var b strings.Builder
	for _, node := range tree.Nodes {
		if role, name := value(node.Role), value(node.Name); !node.Ignored && name != "" && role != "InlineTextBox" {
			fmt.Fprintf(&b, "%s %q\n", role, name)
		}
	}
	return w.address(), b.String()
}

// address is where the window is.
func (w *window) address() string {
	history, err := try(w, page.GetNavigationHistory, cdp.Empty{})
	if err != nil || len(history.Entries) == 0 {
		return ""
	}
	return history.Entries[history.CurrentIndex].URL
}

// hear notes what the browser tells: pages that have loaded, and whatever a
// person would find in the console.
func (w *window) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add := func(format string, args ...any) { w.problems = append(w.problems, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *page.EventLoadEventFired:
		w.loads++
	case *runtime.EventExceptionThrown:
		text, _ := json.Marshal(e.ExceptionDetails)
		add("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if slices.Contains([]string{"error", "warning", "assert"}, string(e.Type)) {
			text, _ := json.Marshal(e.Args)
			add("console: %s", text)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			add("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			text, _ := json.Marshal(e.Issue.Details)
			add("content security policy: %s", text)
		}
	}
}

// quiet fails the test if the console had anything to say but about what is
// allowed.
func (w *window) quiet() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, problem := range w.problems {
		if !slices.ContainsFunc(w.allowed, func(text string) bool { return strings.Contains(problem, text) }) {
			w.t.Errorf("the console says %s", problem)
		}
	}
}

// text is a text of the pages in the window's language.
func (w *window) text(key string, args ...any) string {
	named := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i].(string)] = args[i+1]
	}
	return i18n.T(w.lang, key, named)
}

// value is what a value of the accessibility tree holds, if it is text.
func value(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return text
}

// property tells whether a property of a node has a value.
func property(node *accessibility.Node, name accessibility.PropertyName, want string) bool {
	return slices.ContainsFunc(node.Properties, func(p *accessibility.Property) bool { return p.Name == name && value(p.Value) == want })
}

// spaces makes the names of the tree comparable.
var spaces = regexp.MustCompile(`\s+`)

// all finds the nodes of a role whose name is, or begins with what stands
// before …, in a part of the page; 0 is all of it.
func (w *window) all(within cdp.BackendNodeID, role, name string) ([]*accessibility.Node, error) {
	query := accessibility.QueryAXTreeParams{BackendNodeID: within, Role: role}
	if within == 0 {
		document, err := try(w, dom.GetDocument, dom.GetDocumentParams{})
		if err != nil {
			return nil, err
		}
		query.BackendNodeID = document.Root.BackendNodeID
	}
	result, err := try(w, accessibility.QueryAXTree, query)
	if err != nil {
		return nil, err
	}
	begin, prefix := strings.CutSuffix(name, "…")
	return slices.DeleteFunc(result.Nodes, func(node *accessibility.Node) bool {
		has := strings.TrimSpace(spaces.ReplaceAllString(value(node.Name), " "))
		return node.Ignored || has != name && (!prefix || !strings.HasPrefix(has, begin))
	}), nil
}

// see waits until there is such a thing, and returns the first one.
func (w *window) see(role, name string) *accessibility.Node {
	w.t.Helper()
	return w.seeIn(0, role, name)
}

func (w *window) seeIn(within cdp.BackendNodeID, role, name string) (found *accessibility.Node) {
	w.t.Helper()
	w.wait(fmt.Sprintf("there is no %s %q", role, name), func() error {
		nodes, err := w.all(within, role, name)
		if err != nil {
			return err
		}
		if len(nodes) == 0 {
			return errors.New("nothing is called so")
		}
		found = nodes[0]
		return nil
	})
	return found
}

// wait tries until it succeeds.
func (w *window) wait(what string, try func() error) {
	w.t.Helper()
	if err := tryUntil(try); err != nil {
		w.fail("%s: %v", what, err)
	}
}

// missing fails the test if there is such a thing.
func (w *window) missing(role, name string) {
	w.t.Helper()
	nodes, err := w.all(0, role, name)
	w.must(err)
	if len(nodes) > 0 {
		w.fail("there is a %s %q", role, value(nodes[0].Name))
	}
}

// article finds the post that has a text.
func (w *window) article(text string) (found cdp.BackendNodeID, err error) {
	nodes, err := w.all(0, "article", "…")
	if err != nil {
		return 0, err
	}
	for _, node := range nodes {
		html, err := try(w, dom.GetOuterHTML, dom.GetOuterHTMLParams{BackendNodeID: node.BackendDOMNodeID})
		if err == nil && strings.Contains(html.OuterHTML, text) {
			return node.BackendDOMNodeID, nil
		}
	}
	return 0, fmt.Errorf("none of %d posts has the text %q", len(nodes), text)
}

// post waits for the post that has a text.
func (w *window) post(text string) (found cdp.BackendNodeID) {
	w.t.Helper()
	w.wait("a post does not appear", func() (err error) {
		found, err = w.article(text)
		return err
	})
	return found
}

// loading does something that leads to another page, and waits for it.
func (w *window) loading(do func()) {
	w.t.Helper()
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.loads
	}
	before := count()
	do()
	w.wait("no other page comes", func() error {
		if count() == before {
			return errors.New("still on the same one")
		}
		return nil
	})
	w.look()
}

// open goes to an address.
func (w *window) open(address string) {
	w.t.Helper()
	w.loading(func() {
		result := call(w, page.Navigate, page.NavigateParams{URL: address})
		if result.ErrorText != "" {
			w.fail("%s: %s", address, result.ErrorText)
		}
	})
}

// point is the middle of a node in the window, once it was scrolled there.
func (w *window) point(node cdp.BackendNodeID) (x, y float64, err error) {
	if _, err := try(w, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: node}); err != nil {
		return 0, 0, err
	}
	quads, err := try(w, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: node})
	if err != nil || len(quads.Quads) == 0 {
		return 0, 0, errors.Join(err, errors.New("it has no place on the page"))
	}
	quad := quads.Quads[0]
	return (quad[0] + quad[2] + quad[4] + quad[6]) / 4, (quad[1] + quad[3] + quad[5] + quad[7]) / 4, nil
}

// clickOn clicks in the middle of a node. What covers it gets the click, as
// with a person.
func (w *window) clickOn(node cdp.BackendNodeID) {
	w.t.Helper()
	var x, y float64
	w.wait("what is to be clicked cannot be reached", func() error {
		nowX, nowY, err := w.point(node)
		if err == nil && (nowX != x || nowY != y) {
			err = errors.New("it moves")
		}
		x, y = nowX, nowY
		return err
	})
	mouse := input.DispatchMouseEventParams{X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		mouse.Type = kind
		call(w, input.DispatchMouseEvent, mouse)
	}
}

// click clicks on something that stays on the page.
func (w *window) click(role, name string) {
	w.t.Helper()
	w.clickOn(w.see(role, name).BackendDOMNodeID)
}

// follow clicks on something that leads to another page.
func (w *window) follow(role, name string) {
	w.t.Helper()
	node := w.see(role, name)
	w.loading(func() { w.clickOn(node.BackendDOMNodeID) })
}

// followIn is follow within a part of the page.
func (w *window) followIn(within cdp.BackendNodeID, role, name string) {
	w.t.Helper()
	node := w.seeIn(within, role, name)
	w.loading(func() { w.clickOn(node.BackendDOMNodeID) })
}

// write clicks into a field and types, after what is there.
func (w *window) write(role, name, text string) {
	w.t.Helper()
	w.click(role, name)
	w.key("End", 35)
	call(w, input.InsertText, input.InsertTextParams{Text: text})
}

// ctrl is the bit of the key of that name.
const ctrl = 2

// rewrite puts a text into a field in place of what is there.
func (w *window) rewrite(role, name, text string) {
	w.t.Helper()
	w.click(role, name)
	all := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: "a", Code: "KeyA", Modifiers: ctrl, Commands: []string{"selectAll"}}
	call(w, input.DispatchKeyEvent, all)
	call(w, input.InsertText, input.InsertTextParams{Text: text})
}

// choose gives a file to a field. Where scripts run, the picture is then shown.
func (w *window) choose(name, file string) {
	w.t.Helper()
	before, beforeErr := w.height("fieldset.picture")
	call(w, dom.SetFileInputFiles, dom.SetFileInputFilesParams{BackendNodeID: w.see("button", name).BackendDOMNodeID, Files: []string{file}})
	if !w.scripts {
		return
	}
	w.wait("the chosen picture is not shown", func() error {
		height, err := w.height("img.chosen")
		if err == nil && height < 20 {
			err = fmt.Errorf("the preview is %d high", height)
		}
		return err
	})
	// In the composer, what stands below stays where it is.
	if after, err := w.height("fieldset.picture"); beforeErr == nil && (err != nil || after != before) {
		w.t.Errorf("the place of a picture was %d high and is %d, %v", before, after, err)
	}
}

// height is that of the first element that a selector finds.
func (w *window) height(selector string) (int64, error) {
	document, err := try(w, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, err
	}
	found, err := try(w, dom.QuerySelector, dom.QuerySelectorParams{NodeID: document.Root.NodeID, Selector: selector})
	if err != nil || found.NodeID == 0 {
		return 0, errors.Join(err, fmt.Errorf("there is no %s", selector))
	}
	box, err := try(w, dom.GetBoxModel, dom.GetBoxModelParams{NodeID: found.NodeID})
	if err != nil {
		return 0, err
	}
	return box.Model.Height, nil
}

// caret is where in the text of the composer typing goes on, and how long the
// text is. Only where scripts run.
func (w *window) caret() (at, length int64) {
	w.t.Helper()
	number := func(expression string) (n int64) {
		got, err := try(w, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: new(true)})
		if err == nil && got.ExceptionDetails == nil {
			err = json.Unmarshal(got.Result.Value, &n)
		}
		w.must(err)
		return n
	}
	const field = `document.querySelector('.composer textarea[name=text]')`
	return number(field + `.selectionStart`), number(field + `.value.length`)
}

// shoot saves a picture of the page, if they are wanted.
func (w *window) shoot(name string) {
	dir := os.Getenv("COHORT_TEST_SHOTS")
	if dir == "" {
		return
	}
	w.shots++
	shot, err := try(w, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		file := fmt.Sprintf("%s-%02d-%s.png", strings.NewReplacer("/", "-", " ", "_").Replace(w.t.Name()), w.shots, name)
		err = os.WriteFile(filepath.Join(dir, file), shot.Data, 0o644)
	}
	if err != nil {
		w.t.Logf("no picture of the page: %v", err)
	}
}
