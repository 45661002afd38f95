// A load client with mutual TLS 1.3 and no resumption.
//
//	load MODE ADDRESS COUNT CALLERS CERT KEY CA
//
// MODE new: each request on a new connection. MODE kept: each caller keeps one connection. MODE open: opens COUNT
// connections, one request each, prints "open" and holds them until its standard input ends.
// Prints: seconds, requests that failed, and the latencies p50, p90, p99 in milliseconds.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var request = []byte("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n")

type caller struct {
	connection *tls.Conn
	reader     *bufio.Reader
}

func dial(address string, config *tls.Config) (*caller, error) {
	connection, err := tls.Dial("tcp", address, config)
	if err != nil {
		return nil, err
	}
	return &caller{connection, bufio.NewReader(connection)}, nil
}

func (c *caller) ask() error {
	if _, err := c.connection.Write(request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return err
}

func main() {
	mode, address := os.Args[1], os.Args[2]
	count, _ := strconv.Atoi(os.Args[3])
	callers, _ := strconv.Atoi(os.Args[4])
	credential, err := tls.LoadX509KeyPair(os.Args[5], os.Args[6])
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(os.Args[7])
	if err != nil {
		log.Fatal(err)
	}
	trusts := x509.NewCertPool()
	trusts.AppendCertsFromPEM(pem)
	config := &tls.Config{
		Certificates: []tls.Certificate{credential}, RootCAs: trusts, ServerName: "localhost",
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
	}
	if mode == "open" {
		hold(address, count, config)
		return
	}
	var left, failed int64 = int64(count), 0
	latencies := make([][]float64, callers)
	var group sync.WaitGroup
	began := time.Now()
	for number := 0; number < callers; number++ {
		group.Add(1)
		go func(number int) {
			defer group.Done()
			var kept *caller
			for atomic.AddInt64(&left, -1) >= 0 {
				start := time.Now()
				if err := once(mode, address, config, &kept); err != nil {
					if atomic.AddInt64(&failed, 1) == 1 {
						fmt.Fprintln(os.Stderr, err)
					}
				}
				latencies[number] = append(latencies[number], float64(time.Since(start).Microseconds())/1000)
			}
		}(number)
	}
	group.Wait()
	seconds := time.Since(began).Seconds()
	all := []float64{}
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Float64s(all)
	at := func(part float64) float64 { return all[int(part*float64(len(all)-1))] }
	fmt.Printf("%.4f %d %.3f %.3f %.3f\n", seconds, failed, at(0.5), at(0.9), at(0.99))
}

func once(mode, address string, config *tls.Config, kept **caller) error {
	one := *kept
	if one == nil {
		made, err := dial(address, config)
		if err != nil {
			return err
		}
		one = made
	}
	err := one.ask()
	if mode == "new" || err != nil {
		one.connection.Close()
		one = nil
	}
	*kept = one
	return err
}

func hold(address string, count int, config *tls.Config) {
	held := []*caller{}
	for number := 0; number < count; number++ {
		one, err := dial(address, config)
		if err == nil {
			err = one.ask()
		}
		if err != nil {
			log.Fatal(err)
		}
		held = append(held, one)
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	for _, one := range held {
		one.connection.Close()
	}
}
