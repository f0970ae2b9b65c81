package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What client programs are told is in one language: English unless they ask for
// another, whatever language the instance's own pages begin with.
func TestLanguageOfClientErrors(t *testing.T) {
	s := serveHere(t, "COHORT_INSTANCE_LANGUAGES=zh,en")
	token := s.join("ada")
	for _, c := range []struct{ accepted, path, want string }{
		{"", "/api/v1/statuses", `"error":"Validation failed: Write something or add a picture"`},
		{"*", "/api/v1/statuses", `"error":"Validation failed: Write something or add a picture"`},
		{"en-GB,en;q=0.9", "/api/v1/statuses", `"error":"Validation failed: `},
		{"zh-CN", "/api/v1/statuses", `"error":"没有通过检查：`},
		{"zh-CN", "/api/v1/statuses/1/favourite", `"error":"没有找到"`},
		{"", "/api/v1/statuses/1/favourite", `"error":"Record not found"`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+c.path, strings.NewReader("status="))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", "Bearer "+token)
		if c.accepted != "" {
			request.Header.Set("Accept-Language", c.accepted)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), c.want) {
			t.Errorf("%s with %q is answered %s, %v", c.path, c.accepted, body, err)
		}
	}
}
