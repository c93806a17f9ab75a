// Command mailbox is a mail server to try things with: it takes every mail that is sent to it, prints it, and delivers nothing. It knows no login
// and no encryption, and listens on this machine alone. docs/edconnekt.md uses it.
package main

import (
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

func main() {
	address := flag.String("listen", "127.0.0.1:1025", "address to take mails at")
	flag.Parse()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return session{}, nil }))
	server.Addr, server.Domain = *address, "localhost"
	server.ReadTimeout, server.WriteTimeout, server.MaxMessageBytes, server.MaxRecipients = time.Minute, time.Minute, 10<<20, 100
	fmt.Println("mails to", *address, "are printed here")
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "mailbox:", err)
		os.Exit(1)
	}
}

// session takes the mails of one connection.
type session struct{}

func (session) Mail(string, *smtp.MailOptions) error { return nil }
func (session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (session) Reset()                               {}
func (session) Logout() error                        { return nil }

func (session) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		subject = m.Header.Get("Subject")
	}
	text, err := plain(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return err
	}
	fmt.Printf("\nTo: %s\nSubject: %s\n\n%s\n", m.Header.Get("To"), subject, strings.TrimSpace(text))
	return nil
}

// plain gives the first part of a mail that is plain text.
func plain(kind, encoding string, body io.Reader) (string, error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		media = "text/plain"
	}
	if strings.HasPrefix(media, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err != nil {
				return "", err
			}
			if text, err := plain(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err == nil && text != "" {
				return text, nil
			}
		}
	}
	if media != "text/plain" {
		return "", nil
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
