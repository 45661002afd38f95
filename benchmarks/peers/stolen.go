// Clients that show somebody's certificate without having its key, and sign with one of their own.
//
//	stolen ADDRESS COUNT CHAIN CA
//
// Prints how many of them got an answer over HTTP, which must be 0.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
)

func main() {
	address := os.Args[1]
	count, _ := strconv.Atoi(os.Args[2])
	chain, err := os.ReadFile(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	root, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	trusts := x509.NewCertPool()
	trusts.AppendCertsFromPEM(root)
	stolen := tls.Certificate{}
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		stolen.Certificate = append(stolen.Certificate, block.Bytes)
	}
	admitted := 0
	for number := 0; number < count; number++ {
		if stolen.PrivateKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			log.Fatal(err)
		}
		version := uint16(tls.VersionTLS13)
		if number%2 == 1 {
			version = tls.VersionTLS12
		}
		connection, err := tls.Dial("tcp", address, &tls.Config{
			Certificates: []tls.Certificate{stolen}, RootCAs: trusts, ServerName: "localhost",
			MinVersion: version, MaxVersion: version,
		})
		if err != nil {
			continue
		}
		fmt.Fprint(connection, "GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(connection), nil); err == nil {
			admitted++
		}
		connection.Close()
	}
	fmt.Println(admitted)
}
