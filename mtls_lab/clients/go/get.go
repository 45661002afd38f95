// Asks a URL as a Go program does: net/http with a tls.Config. Part of mtls_lab; see go_client.py.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

// By OpenSSL's names, as the lab's scenarios have them.
var suites = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
}

var groups = map[string]tls.CurveID{
	"prime256v1": tls.CurveP256, "secp384r1": tls.CurveP384, "secp521r1": tls.CurveP521, "X25519": tls.X25519,
}

func main() {
	cacert := flag.String("cacert", "", "trust anchors, PEM")
	cert := flag.String("cert", "", "client chain, PEM")
	key := flag.String("key", "", "client key, PEM")
	name := flag.String("name", "", "server name, if not the URL's")
	connect := flag.String("connect", "", "host:port to connect to, if not the URL's")
	bound := flag.String("tls", "", "1.2 or 1.3 only")
	ciphers := flag.String("ciphers", "", "the one cipher suite for TLS 1.2, by OpenSSL's name")
	group := flag.String("group", "", "the one group for the key exchange, by OpenSSL's name")
	verifies := flag.String("verifies", "chain and name", "none, chain, chain and name")
	timeout := flag.Float64("timeout", 5, "seconds")
	flag.Parse()
	fmt.Fprintf(os.Stderr, "# %s\n", runtime.Version())

	config := &tls.Config{ServerName: *name, MinVersion: tls.VersionTLS12}
	if *bound == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	} else if *bound == "1.3" {
		config.MinVersion = tls.VersionTLS13
	}
	if *ciphers != "" {
		config.CipherSuites = []uint16{suites[*ciphers]}
	}
	if *group != "" {
		config.CurvePreferences = []tls.CurveID{groups[*group]}
	}
	if *cacert != "" {
		text, err := os.ReadFile(*cacert)
		stop(err, 2)
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			stop(errors.New("no PEM certificates in "+*cacert), 2)
		}
	}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		stop(err, 2)
		config.Certificates = []tls.Certificate{pair}
	}
	if *verifies != "chain and name" {
		config.InsecureSkipVerify = true
	}
	if *verifies == "chain" {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
			for _, one := range state.PeerCertificates[1:] {
				options.Intermediates.AddCert(one)
			}
			_, err := state.PeerCertificates[0].Verify(options)
			return err
		}
	}
	dialer := &net.Dialer{}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if *connect != "" {
			address = *connect
		}
		made, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			fmt.Fprintf(os.Stderr, "# from %s\n", made.LocalAddr())
		}
		return made, err
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       time.Duration(*timeout * float64(time.Second)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Get(flag.Arg(0))
	stop(err, 1)
	defer response.Body.Close()
	fmt.Fprintf(os.Stderr, "# status %d\n", response.StatusCode)
	_, err = io.Copy(os.Stdout, response.Body)
	stop(err, 1)
}

func stop(err error, code int) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(code)
	}
}
