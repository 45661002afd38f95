// A TLS server of Go's own making (crypto/tls under net/http) that does what lines of JSON on its standard input say,
// answers each with one line on its standard output, and keeps what it saw of every connection: the bytes as they
// passed, their secrets, and net/http's own log.
//
// It ends with its standard input, so it cannot outlive the kernel that started it, and after a time limit anyway.
// Only the standard library is used, and no part of it that is newer than Go 1.15.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	keptConnections = 1000
	keptWire        = 256 << 10
	keptLog         = 1 << 20
	largestBody     = 1 << 20
)

// What to play: one end's settings, PEM where it is certificates.
type play struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Trusts      string `json:"trusts"`
	Verifies    string `json:"verifies"`
	MinVersion  uint16 `json:"min_version"`
	MaxVersion  uint16 `json:"max_version"`
}

// What is asked for: the newest connection from a port, waiting for it, or with port 0 all of them.
type seen struct {
	ClientPort int `json:"client_port"`
	WaitMs     int `json:"wait_ms"`
}

type command struct {
	Number int   `json:"number"`
	Play   *play `json:"play"`
	Seen   *seen `json:"seen"`
}

type answer struct {
	Number      int           `json:"number"`
	Error       string        `json:"error,omitempty"`
	Port        int           `json:"port,omitempty"`
	Go          string        `json:"go,omitempty"`
	Log         string        `json:"log"`
	Connections []*connection `json:"connections"`
}

type piece struct {
	Sender string `json:"sender"`
	Hex    string `json:"hex"`
}

// One connection: the socket with an ear at it, and after its end the record.
type connection struct {
	net.Conn   `json:"-"`
	ClientPort int      `json:"client_port"`
	Play       int      `json:"play"`
	At         string   `json:"at"`
	Wire       []piece  `json:"wire"`
	Secrets    string   `json:"secrets"`
	Completed  bool     `json:"completed"`
	Version    uint16   `json:"version"`
	Cipher     string   `json:"cipher"`
	Said       []string `json:"said"`

	lock    sync.Mutex
	secrets bytes.Buffer
	size    int
	stale   bool
}

func (c *connection) keep(sender string, data []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.size += len(data); len(data) > 0 && c.size <= keptWire {
		c.Wire = append(c.Wire, piece{sender, hex.EncodeToString(data)})
	}
}

func (c *connection) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	c.keep("client", data[:n])
	return n, err
}

func (c *connection) Write(data []byte) (int, error) {
	c.keep("server", data)
	return c.Conn.Write(data)
}

// All that the server knows, and a bell that rings whenever that changes.
type server struct {
	lock    sync.Mutex
	plays   int
	config  *tls.Config
	open    map[string]*connection
	closed  []*connection
	log     []byte
	changed chan struct{}
}

func (s *server) ring() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) play(p *play) error {
	pair, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		return err
	}
	levels := map[string]tls.ClientAuthType{
		"none": tls.NoClientCert, "optional": tls.VerifyClientCertIfGiven, "required": tls.RequireAndVerifyClientCert,
	}
	level, known := levels[p.Verifies]
	if !known {
		return fmt.Errorf("verifies=%q is no level", p.Verifies)
	}
	pool := x509.NewCertPool()
	if p.Trusts != "" && !pool.AppendCertsFromPEM([]byte(p.Trusts)) {
		return errors.New("trusts holds no certificate that Go can read")
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.plays++
	s.config = &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: level, ClientCAs: pool,
		MinVersion: p.MinVersion, MaxVersion: p.MaxVersion, NextProtos: []string{"http/1.1"},
		// A resumed session would skip the client's certificate.
		SessionTicketsDisabled: true,
	}
	return nil
}

// A connection is judged by the settings in force when its ClientHello arrives.
func (s *server) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	mine := hello.Conn.(*connection)
	mine.Play = s.plays
	config := s.config.Clone()
	config.KeyLogWriter = &mine.secrets
	return config, nil
}

type ear struct {
	net.Listener
	server *server
}

func (e ear) Accept() (net.Conn, error) {
	plain, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := e.server
	s.lock.Lock()
	defer s.lock.Unlock()
	c := &connection{Conn: plain, Play: s.plays, At: time.Now().UTC().Format(time.RFC3339Nano), Said: []string{}}
	c.ClientPort = plain.RemoteAddr().(*net.TCPAddr).Port
	s.open[plain.RemoteAddr().String()] = c
	// Systems give ports out again: an old story is never told of a new connection.
	for _, old := range s.closed {
		old.stale = old.stale || old.ClientPort == c.ClientPort
	}
	return c, nil
}

// net/http tells its log a line at a time, each with the client's address.
func (s *server) Write(line []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.log = append(s.log, line...); len(s.log) > keptLog {
		s.log = s.log[len(s.log)-keptLog:]
	}
	for address, c := range s.open {
		if words := strings.SplitN(string(line), " from "+address+": ", 2); len(words) == 2 {
			c.Said = append(c.Said, strings.TrimSpace(words[1]))
		}
	}
	return len(line), nil
}

func (s *server) note(outer net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	told := outer.(*tls.Conn).ConnectionState()
	s.lock.Lock()
	defer s.lock.Unlock()
	address := outer.RemoteAddr().String()
	c := s.open[address]
	if c == nil {
		return
	}
	delete(s.open, address)
	c.Completed, c.Version, c.Secrets = told.HandshakeComplete, told.Version, c.secrets.String()
	if told.CipherSuite != 0 {
		c.Cipher = tls.CipherSuiteName(told.CipherSuite)
	}
	if s.closed = append(s.closed, c); len(s.closed) > keptConnections {
		s.closed = s.closed[1:]
	}
	s.ring()
}

func (s *server) find(wanted *seen) ([]*connection, chan struct{}) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if wanted.ClientPort == 0 {
		return append([]*connection{}, s.closed...), s.changed
	}
	for i := len(s.closed) - 1; i >= 0; i-- {
		if s.closed[i].ClientPort == wanted.ClientPort && !s.closed[i].stale {
			return s.closed[i : i+1], s.changed
		}
	}
	return nil, s.changed
}

func (s *server) wait(wanted *seen) []*connection {
	end := time.After(time.Duration(wanted.WaitMs) * time.Millisecond)
	for {
		found, changed := s.find(wanted)
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-end:
			return []*connection{}
		}
	}
}

// Who is there, as far as TLS verified it; a body comes back.
func serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method == http.MethodPost {
		_, _ = io.Copy(w, io.LimitReader(r.Body, largestBody)) // a client that leaves early is no news
		return
	}
	who := "nobody"
	if len(r.TLS.VerifiedChains) > 0 {
		who = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	fmt.Fprintln(w, who)
}

func (s *server) obey(c *command, port int) *answer {
	a := &answer{Number: c.Number, Port: port, Go: runtime.Version(), Connections: []*connection{}}
	if c.Play != nil {
		if err := s.play(c.Play); err != nil {
			a.Error = err.Error()
		}
	}
	if c.Seen != nil {
		a.Connections = s.wait(c.Seen)
	}
	s.lock.Lock()
	a.Log = string(s.log)
	s.lock.Unlock()
	return a
}

func main() {
	// An interrupted cell interrupts the kernel's children too; this one goes on.
	signal.Ignore(os.Interrupt)
	seconds, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(time.Duration(seconds*float64(time.Second)), func() { os.Exit(3) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &server{open: map[string]*connection{}, changed: make(chan struct{})}
	web := &http.Server{
		Handler: http.HandlerFunc(serve), ErrorLog: log.New(s, "", log.LstdFlags), ConnState: s.note,
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
	}
	port := listener.Addr().(*net.TCPAddr).Port
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for listening := false; ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(0) // the end of standard input: whoever started us is gone
		}
		c := &command{}
		a := &answer{Connections: []*connection{}}
		if err := json.Unmarshal(line, c); err != nil {
			a.Error = err.Error()
		} else {
			a = s.obey(c, port)
		}
		if s.config != nil && !listening {
			listening = true
			config := &tls.Config{GetConfigForClient: s.configFor}
			go func() { log.Fatal(web.Serve(tls.NewListener(ear{listener, s}, config))) }()
		}
		if err := out.Encode(a); err != nil {
			os.Exit(0)
		}
	}
}
