//go:build full

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
)

// controls are the roles of what people operate.
var controls = []string{
	"button", "checkbox", "combobox", "DisclosureTriangle", "link", "listbox", "menuitem", "option", "radio", "searchbox", "slider",
	"spinbutton", "switch", "tab", "textbox",
}

// look checks what holds for every page.
func (w *window) look() {
	w.t.Helper()
	flaws := w.flaws()
	for _, flaw := range flaws {
		w.t.Errorf("%s: %s", w.address(), flaw)
	}
	w.shoot("page")
}

// flaws are what is wrong with a page: that it has to be scrolled sideways, has
// no heading, or has a picture or something to operate without a name.
func (w *window) flaws() (flaws []string) {
	w.t.Helper()
	size := call(w, page.GetLayoutMetrics, cdp.Empty{})
	// A phone's browser makes the viewport as wide as the page.
	if wide, has := size.CSSContentSize.Width, float64(min(w.width, size.CSSLayoutViewport.ClientWidth)); wide > has+0.5 {
		flaws = append(flaws, fmt.Sprintf("it is %.0f wide in a window of %.0f", wide, has))
	}
	tree := call(w, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	headings := 0
	for _, node := range tree.Nodes {
		role := value(node.Role)
		if node.Ignored {
			continue
		}
		if role == "heading" {
			headings++
		}
		if (slices.Contains(controls, role) || role == "image") && value(node.Name) == "" {
			html, err := try(w, dom.GetOuterHTML, dom.GetOuterHTMLParams{BackendNodeID: node.BackendDOMNodeID})
			flaws = append(flaws, fmt.Sprintf("a %s has no name: %s %v", role, tail(html.OuterHTML, 300), err))
		}
	}
	if headings == 0 {
		flaws = append(flaws, "it has no heading")
	}
	return flaws
}

// key presses one key.
func (w *window) key(name string, code int64) {
	w.t.Helper()
	event := input.DispatchKeyEventParams{Key: name, Code: name, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		event.Type = kind
		call(w, input.DispatchKeyEvent, event)
	}
}

// tabs walks through a page by the keyboard and looks whether it shows each
// time where one is. The first stop is the link that leaps to the content.
func (w *window) tabs(steps int) {
	w.t.Helper()
	seen := map[cdp.BackendNodeID]bool{}
	for step := range steps {
		w.key("Tab", 9)
		var node *accessibility.Node
		w.wait("nothing is focused", func() error {
			focused, err := w.focused()
			if err != nil {
				return err
			}
			if seen[focused.BackendDOMNodeID] {
				return fmt.Errorf("the focus stays on %s %q", value(focused.Role), value(focused.Name))
			}
			node = focused
			return nil
		})
		seen[node.BackendDOMNodeID] = true
		if step == 0 && value(node.Name) != w.text("nav.skip") {
			w.t.Errorf("the first stop of the keyboard at %s is %q", w.address(), value(node.Name))
		}
		if err := w.marked(node); err != nil {
			w.t.Errorf("at %s, %s %q does not show that it is focused: %v", w.address(), value(node.Role), value(node.Name), err)
			w.shoot("focus")
		}
	}
}

// focused is the node that has the keyboard's focus.
func (w *window) focused() (*accessibility.Node, error) {
	tree, err := try(w, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	for _, node := range tree.Nodes {
		if value(node.Role) != "RootWebArea" && property(node, accessibility.PropertyNameFocused, "true") {
			return node, nil
		}
	}
	return nil, errors.New("no node has the focus")
}

// marked tells whether a focused node can be seen and has a line around it.
func (w *window) marked(node *accessibility.Node) error {
	pushed, err := try(w, dom.PushNodesByBackendIDsToFrontend, dom.PushNodesByBackendIDsToFrontendParams{BackendNodeIDs: []cdp.BackendNodeID{node.BackendDOMNodeID}})
	if err != nil {
		return err
	}
	result, err := try(w, css.GetComputedStyleForNode, css.GetComputedStyleForNodeParams{NodeID: pushed.NodeIDs[0]})
	if err != nil {
		return err
	}
	style := map[string]string{}
	for _, p := range result.ComputedStyle {
		style[p.Name] = p.Value
	}
	box, err := try(w, dom.GetBoxModel, dom.GetBoxModelParams{BackendNodeID: node.BackendDOMNodeID})
	if err != nil {
		return err
	}
	if box.Model.Width < 2 || box.Model.Height < 2 || style["opacity"] == "0" {
		return fmt.Errorf("it is %d by %d, opacity %s", box.Model.Width, box.Model.Height, style["opacity"])
	}
	lined := style["outline-style"] != "none" && style["outline-width"] != "0px"
	if !lined && style["box-shadow"] == "none" {
		return fmt.Errorf("outline %s %s, shadow %s", style["outline-style"], style["outline-width"], style["box-shadow"])
	}
	return nil
}

// badPage has every flaw that is looked for, and something whose focus cannot
// be seen.
const badPage = `<!doctype html><title>Bad</title><meta name="viewport" content="width=device-width,initial-scale=1"><style>:focus { outline: none } div { width: 900px; height: 9px }</style>
<div></div><button></button><input type="text"><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" width="9" height="9">
<a href="/">A link</a><script>console.error("heard"); throw new Error("thrown")</script>`

// The checks of pages find what they are there to find.
func TestLooksFindFlaws(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/strict" {
			w.Header().Set("Content-Security-Policy", "script-src 'none'")
		}
		_, _ = io.WriteString(w, badPage)
	}))
	defer server.Close()
	w := openWindow(chromium(t), t, 360, true, "en")
	call(w, page.Navigate, page.NavigateParams{URL: server.URL + "/"})
	w.see("link", "A link")
	if flaws := w.flaws(); len(flaws) != 5 {
		t.Errorf("the flaws of a bad page are %q", flaws)
	}
	w.key("Tab", 9)
	node, err := w.focused()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.marked(node); err == nil {
		t.Errorf("%s, which has no outline, passes for marked", value(node.Role))
	}
	call(w, page.Navigate, page.NavigateParams{URL: server.URL + "/strict"})
	for _, want := range []string{"exception: ", "console: ", "content security policy: "} {
		w.wait("the console is not heard", func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.ContainsFunc(w.problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
				return fmt.Errorf("no %s among %q", want, w.problems)
			}
			return nil
		})
	}
}
