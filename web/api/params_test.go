package api

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/reply"
)

// read parses a request as a handler would.
func read(method, target, kind, body string) (*Params, error) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return params(echo.New().NewContext(r, httptest.NewRecorder()))
}

const formType = "application/x-www-form-urlencoded"

func TestParamsOfAnyShape(t *testing.T) {
	form := func(b string) [4]string { return [4]string{"POST", "/", formType, b} }
	object := func(b string) [4]string { return [4]string{"POST", "/", "application/json; charset=utf-8", b} }
	tests := map[string]struct {
		in   [4]string
		what func(*Params) any
		want any
	}{
		"query":               {[4]string{"GET", "/?status=a+b%20c", "", ""}, func(p *Params) any { return p.Text("status") }, "a b c"},
		"query of a post":     {[4]string{"POST", "/?status=x", "", ""}, func(p *Params) any { return p.Text("status") }, "x"},
		"form":                {form("status=x"), func(p *Params) any { return p.Text("status") }, "x"},
		"form of a delete":    {[4]string{"DELETE", "/", formType, "domain=a.example"}, func(p *Params) any { return p.Text("domain") }, "a.example"},
		"form of a patch":     {[4]string{"PATCH", "/", formType, "note=n"}, func(p *Params) any { return p.Text("note") }, "n"},
		"body before query":   {[4]string{"PUT", "/?status=q", formType, "status=b"}, func(p *Params) any { return p.Text("status") }, "b"},
		"JSON":                {object(`{"status":"x"}`), func(p *Params) any { return p.Text("status") }, "x"},
		"JSON, no type":       {[4]string{"POST", "/", "", ` {"status":"x"}`}, func(p *Params) any { return p.Text("status") }, "x"},
		"form, no type":       {[4]string{"POST", "/", "", `status=x`}, func(p *Params) any { return p.Text("status") }, "x"},
		"empty body":          {object("  "), func(p *Params) any { return p.Has("status") }, false},
		"list []":             {form("id[]=1&id[]=2"), func(p *Params) any { return p.List("id") }, []string{"1", "2"}},
		"list [n]":            {form("id[1]=b&id[0]=a&id[10]=c"), func(p *Params) any { return p.List("id") }, []string{"a", "b", "c"}},
		"list bare":           {form("id=1"), func(p *Params) any { return p.List("id") }, []string{"1"}},
		"list repeated":       {form("id=1&id=2"), func(p *Params) any { return p.List("id") }, []string{"1", "2"}},
		"list JSON":           {object(`{"id":["1",2]}`), func(p *Params) any { return p.List("id") }, []string{"1", "2"}},
		"ids":                 {form("id[]=7&id[]=x&id[]=7&id[]=9"), func(p *Params) any { return p.IDs(9, "id") }, []store.ID{7, 9}},
		"ids bounded":         {form("id[]=7&id[]=8&id[]=9"), func(p *Params) any { return p.IDs(2, "id") }, []store.ID{7, 8}},
		"nested form":         {form("source[privacy]=private"), func(p *Params) any { return p.Text("source", "privacy") }, "private"},
		"nested JSON":         {object(`{"source":{"privacy":"private"}}`), func(p *Params) any { return p.Text("source", "privacy") }, "private"},
		"deep form":           {form("subscription[keys][p256dh]=k"), func(p *Params) any { return p.Text("subscription", "keys", "p256dh") }, "k"},
		"empty list of JSON":  {object(`{"media_ids":[]}`), func(p *Params) any { return [2]bool{p.Sent("media_ids"), p.Has("media_ids")} }, [2]bool{true, false}},
		"null is not sent":    {object(`{"media_ids":null}`), func(p *Params) any { return p.Sent("media_ids") }, false},
		"missing is not sent": {form("a=b"), func(p *Params) any { return p.Sent("media_ids", "x") }, false},
		"true":                {form("a=true&b=1&c=on&d=True"), func(p *Params) any { return p.Flag("a") && p.Flag("b") && p.Flag("c") && p.Flag("d") }, true},
		"JSON true":           {object(`{"a":true,"b":1,"c":"true"}`), func(p *Params) any { return p.Flag("a") && p.Flag("b") && p.Flag("c") }, true},
		"false":               {form("a=false&b=0&c=off&d=&e=huh"), func(p *Params) any { return p.Flag("a") || p.Flag("b") || p.Flag("c") || p.Flag("d") || p.Flag("e") }, false},
		"number":              {object(`{"n":12}`), func(p *Params) any { return p.Int(5, "n") }, 12},
		"no number":           {form("n=x"), func(p *Params) any { return p.Int(5, "n") }, 5},
		"odd names":           {form("[]=1&x=2"), func(p *Params) any { return p.Text("x") }, "2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := read(test.in[0], test.in[1], test.in[2], test.in[3])
			if err != nil {
				t.Fatal(err)
			}
			if got := test.what(p); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

// The lines of a profile come in every shape there is.
func TestParamsItems(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, kv := range [][2]string{{"fields_attributes[0][name]", "a"}, {"fields_attributes[0][value]", "1"}, {"fields_attributes[1][name]", "b"}, {"fields_attributes[1][value]", "2"}} {
		if err := w.WriteField(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][2]string{
		"numbered":    {formType, "fields_attributes[0][name]=a&fields_attributes[0][value]=1&fields_attributes[1][name]=b&fields_attributes[1][value]=2"},
		"unnumbered":  {formType, "fields_attributes[][name]=a&fields_attributes[][value]=1&fields_attributes[][name]=b&fields_attributes[][value]=2"},
		"JSON list":   {"application/json", `{"fields_attributes":[{"name":"a","value":"1"},{"name":"b","value":"2"}]}`},
		"JSON object": {"application/json", `{"fields_attributes":{"0":{"name":"a","value":"1"},"1":{"name":"b","value":"2"}}}`},
		"multipart":   {w.FormDataContentType(), form.String()},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := read("PATCH", "/", in[0], in[1])
			if err != nil {
				t.Fatal(err)
			}
			var got [][2]string
			for _, item := range p.Items("fields_attributes") {
				got = append(got, [2]string{item.Text("name"), item.Text("value")})
			}
			if want := [][2]string{{"a", "1"}, {"b", "2"}}; !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Of a name that stands twice in an object, the last counts, at any depth.
func TestDoubledNames(t *testing.T) {
	p, err := read("POST", "/", "application/json", `{"status":"a","source":{"privacy":"b","privacy":"c"},"status":"d"}`)
	if err != nil || p.Text("status") != "d" || p.Text("source", "privacy") != "c" {
		t.Errorf("%q, %q, %v", p.Text("status"), p.Text("source", "privacy"), err)
	}
}

// hostile are requests that cannot be read and must be refused as the client's fault.
var hostile = map[string][3]string{
	"broken JSON":        {"application/json", `{"status":`, ""},
	"JSON list":          {"application/json", `["status"]`, ""},
	"JSON twice":         {"application/json", `{"a":1}{"b":2}`, ""},
	"deep JSON":          {"application/json", strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat(`}`, 20), ""},
	"deep name":          {formType, "a[b][c][d][e][f][g][h]=1", ""},
	"unclosed name":      {formType, "a[b=1", ""},
	"broken escape":      {formType, "a=%zz", ""},
	"NUL":                {formType, "status=a%00b", ""},
	"NUL in JSON":        {"application/json", `{"status":"a\u0000b"}`, ""},
	"no text":            {formType, "status=%ff%fe", ""},
	"no text in query":   {formType, "", "status=%ff"},
	"long name":          {formType, strings.Repeat("n", 300) + "=1", ""},
	"too many":           {formType, strings.Repeat("a[]=1&", 1001), ""},
	"too many in JSON":   {"application/json", `{"a":[` + strings.Repeat("1,", 1001) + `1]}`, ""},
	"broken multipart":   {"multipart/form-data; boundary=x", "--x\r\nnothing", ""},
	"multipart, no mark": {"multipart/form-data", "--x", ""},
	"too large":          {formType, "a=" + strings.Repeat("x", maxBody), ""},
}

func TestParamsRefuse(t *testing.T) {
	for name, in := range hostile {
		t.Run(name, func(t *testing.T) {
			_, err := read("POST", "/?"+in[2], in[0], in[1])
			if status := reply.Status(err); status < 400 || status > 499 {
				t.Errorf("status %d (%v), want 4xx", status, err)
			}
		})
	}
}

func FuzzParams(f *testing.F) {
	for _, in := range hostile {
		f.Add(in[2], in[0], in[1])
	}
	f.Add("a[]=1&b[c]=2", formType, "x[][y]=1&x[][y]=2&x[0]=3")
	f.Fuzz(func(t *testing.T, query, kind, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header["Content-Type"] = []string{kind}
		p, err := params(echo.New().NewContext(r, httptest.NewRecorder()))
		if err != nil {
			if status := reply.Status(err); status >= 500 {
				t.Fatalf("status %d: %v", status, err)
			}
			return
		}
		for _, name := range p.order {
			if !plain(p.Text(name)) {
				t.Fatalf("a text that cannot be stored: %q", p.Text(name))
			}
			p.List(name)
			p.Items(name)
		}
	})
}
