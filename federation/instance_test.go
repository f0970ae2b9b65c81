package federation_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// instance is a whole server of ours on loopback, without pages.
type instance struct {
	t      testing.TB
	name   string
	host   string
	db     *store.DB
	social *social.Service
	fed    *federation.Server
	client *federation.Client
	worker *store.Worker
	log    *bytes.Buffer
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// newInstance starts an instance at http://name.localhost:port.
func newInstance(t testing.TB, name string) *instance {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	in := &instance{t: t, name: name, host: name + ".localhost:" + port, db: storetest.Open(t), log: new(bytes.Buffer)}
	log := slog.New(slog.DiscardHandler)
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in.social, err = social.New(social.Config{
		BaseURL: "http://" + in.host, Host: in.host, Domain: in.host, Name: name, Kind: "school", Languages: []string{"en"},
		Registration: social.RegistrationOpen, Secret: []byte(strings.Repeat("s", 32)),
	}, in.db, files, log)
	if err != nil {
		t.Fatal(err)
	}
	in.client = federation.NewClient(federation.ClientConfig{AllowedNetworks: loopback, AllowHTTP: true, UserAgent: "cohort-test"})
	in.fed, err = federation.New(federation.Config{Mode: federation.ModeOpen, Version: "test"}, in.social, in.client, log)
	if err != nil {
		t.Fatal(err)
	}
	in.worker = store.NewWorker(in.db, store.WorkerConfig{Handlers: in.fed.Handlers(), Log: log, Permanent: federation.Permanent})
	server := httptest.NewUnstartedServer(in.routes())
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		server.Close()
		in.client.CloseIdleConnections()
	})
	return in
}

func (in *instance) routes() http.Handler {
	mux := http.NewServeMux()
	f := in.fed
	mux.HandleFunc("POST /inbox", f.PostInbox)
	mux.HandleFunc("POST /users/{id}/inbox", f.PostInbox)
	mux.HandleFunc("POST /circles/{id}/inbox", f.PostInbox)
	mux.HandleFunc("GET /actor", f.ServeServerActor)
	mux.HandleFunc("GET /.well-known/webfinger", f.WebFinger)
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServeActor(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /circles/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServeCircle(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /posts/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServePost(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /posts/{id}/replies", func(w http.ResponseWriter, r *http.Request) { f.ServeReplies(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /users/{id}/{name}", func(w http.ResponseWriter, r *http.Request) {
		f.ServeCollection(w, r, r.PathValue("id"), r.PathValue("name"), false)
	})
	mux.HandleFunc("GET /circles/{id}/{name}", func(w http.ResponseWriter, r *http.Request) {
		f.ServeCollection(w, r, r.PathValue("id"), r.PathValue("name"), true)
	})
	return mux
}

// person makes a member here.
func (in *instance) person(handle string) *store.Account {
	in.t.Helper()
	a, err := in.social.CreateAccount(in.t.Context(), social.NewAccount{
		Handle: handle, Email: handle + "@mail.example", Password: "a long enough passphrase", Role: store.RoleMember,
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return a
}

// classGrant is a seat that opens the circle of class.
var classGrant = social.SeatGrant{Type: "alumnus", Unit: "Class 3", From: 2009, To: 2012, Reason: "on the roster"}

// class makes a circle and gives members seats that open it.
func (in *instance) class(members ...*store.Account) *store.Circle {
	in.t.Helper()
	circle, err := in.social.CreateCircle(in.t.Context(), social.CircleDraft{Slug: "2012-3", Name: "2012(3)", Unit: "Class 3", From: 2009, To: 2012})
	if err != nil {
		in.t.Fatal(err)
	}
	for _, a := range members {
		if _, err := in.social.GrantSeat(in.t.Context(), a, classGrant); err != nil {
			in.t.Fatal(err)
		}
	}
	return circle
}

// run works off everything that is due, here and on the others, until nothing is left.
func run(t testing.TB, instances ...*instance) {
	t.Helper()
	workers := make([]*store.Worker, 0, len(instances))
	for _, in := range instances {
		workers = append(workers, in.worker)
	}
	storetest.Settle(t, workers...)
}

// noDeadJobs fails if a delivery was given up.
func noDeadJobs(t testing.TB, instances ...*instance) {
	t.Helper()
	for _, in := range instances {
		dead, err := in.db.DeadJobs(t.Context(), store.JobFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range dead {
			t.Errorf("%s: dead %s to %s: %s", in.name, j.Kind, j.Target, j.LastError)
		}
	}
}

// sees gives the account of another instance as this one knows it, looking it up.
func (in *instance) sees(a *store.Account, from *instance) *store.Account {
	in.t.Helper()
	got, err := in.fed.ResolveAccount(in.t.Context(), a.Handle+"@"+from.host)
	if err != nil {
		in.t.Fatalf("%s looks up %s on %s: %v", in.name, a.Handle, from.name, err)
	}
	return got
}

// home lists the texts in an account's home timeline, newest first.
func (in *instance) home(a *store.Account) []string {
	in.t.Helper()
	posts, err := in.db.Home(in.t.Context(), a.ID, store.Page{Limit: 40})
	if err != nil {
		in.t.Fatal(err)
	}
	var out []string
	for _, p := range posts.Items {
		out = append(out, social.PlainText(p.HTML, 200))
	}
	return out
}

func (in *instance) publish(by *store.Account, d social.Draft) *store.Post {
	in.t.Helper()
	p, err := in.social.Publish(in.t.Context(), by, d)
	if err != nil {
		in.t.Fatalf("%s publishes: %v", by.Handle, err)
	}
	return p
}

func (in *instance) follow(by, target *store.Account) {
	in.t.Helper()
	if err := in.social.Follow(in.t.Context(), by, target.ID, social.FollowOptions{}); err != nil {
		in.t.Fatalf("%s follows %s: %v", by.Handle, target.Handle, err)
	}
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
