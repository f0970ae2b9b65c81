package main

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// gate stands between an instance and its PostgreSQL server and can be shut.
type gate struct {
	t       *testing.T
	url     string // of the database, through the gate
	network string
	address string // of the server

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func newGate(t *testing.T, database string) *gate {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, network: "tcp", address: u.Host, conns: map[net.Conn]bool{}}
	query := u.Query()
	if socket := query.Get("host"); socket != "" {
		g.network, g.address = "unix", socket+"/.s.PGSQL.5432"
		query.Del("host")
	}
	query.Set("sslmode", "disable")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); g.shut() })
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()
	g.url = u.String()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go g.carry(c)
		}
	}()
	return g
}

// shut cuts every connection and lets none through; open lets them through again.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for c := range g.conns {
		c.Close()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

func (g *gate) enter(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.conns[c] = true
	}
	return !g.closed
}

func (g *gate) carry(c net.Conn) {
	defer c.Close()
	server, err := net.Dial(g.network, g.address)
	if err != nil {
		g.t.Error(err)
		return
	}
	defer server.Close()
	if !g.enter(c) || !g.enter(server) {
		return
	}
	done := make(chan struct{}, 2)
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // ends when either side does, or the gate is shut
		done <- struct{}{}
	}
	go pass(c, server)
	go pass(server, c)
	<-done
}
