// A reverse proxy of Go's standard library with mutual TLS 1.3: httputil.ReverseProxy, as its documentation shows it.
//
//	reverse LISTEN ORIGIN CERT KEY CA
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	listen, origin, cert, key, ca := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	to, err := url.Parse(origin)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	trusts := x509.NewCertPool()
	trusts.AppendCertsFromPEM(pem)
	proxy := httputil.NewSingleHostReverseProxy(to)
	// The default keeps 2 connections to an origin; with 8 callers it would dial for most requests.
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 1000}
	server := &http.Server{
		Addr:    listen,
		Handler: proxy,
		TLSConfig: &tls.Config{
			MinVersion:             tls.VersionTLS13,
			ClientAuth:             tls.RequireAndVerifyClientCert,
			ClientCAs:              trusts,
			SessionTicketsDisabled: true,
		},
		// HTTP/1.1 only: every engine speaks the same.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ListenAndServeTLS(cert, key))
}
