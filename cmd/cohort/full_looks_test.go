//go:build full

package main

import (
	"errors"
	"fmt"
	"slices"

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

// look checks what holds for every page: nothing has to be scrolled sideways,
// and everything that can be operated, and every picture, has a name.
func (w *window) look() {
	w.t.Helper()
	size := call(w, page.GetLayoutMetrics, cdp.Empty{})
	if wide, has := size.CSSContentSize.Width, float64(size.CSSLayoutViewport.ClientWidth); wide > has+0.5 {
		w.t.Errorf("%s is %.0f wide in a window of %.0f", w.address(), wide, has)
		w.shoot("wide")
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
			w.t.Errorf("a %s at %s has no name: %s %v", role, w.address(), tail(html.OuterHTML, 300), err)
		}
	}
	if headings == 0 {
		w.t.Errorf("%s has no heading", w.address())
	}
	w.shoot("page")
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
