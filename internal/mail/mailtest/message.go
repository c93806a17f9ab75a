package mailtest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
)

// Message is one mail as the server received it.
type Message struct {
	From      string   // of the envelope
	To        []string // of the envelope
	Encrypted bool     // it came over TLS
	Raw       []byte

	// Read from Raw:
	Header  mail.Header
	Subject string // decoded
	Text    string // of the first text/plain part, decoded
	HTML    string // of the first text/html part, decoded
}

// ID is the header Message-ID.
func (m Message) ID() string { return m.Header.Get("Message-ID") }

var link = regexp.MustCompile(`https?://[^\s<>"]+`)

// Links lists the addresses in the text, or in the HTML of a mail that has no text.
func (m Message) Links() []string {
	if m.Text != "" {
		return link.FindAllString(m.Text, -1)
	}
	return link.FindAllString(strings.ReplaceAll(m.HTML, "&amp;", "&"), -1)
}

// read takes the mail apart, and says what about it is no mail.
func (m *Message) read() error {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return fmt.Errorf("not a mail: %w", err)
	}
	m.Header = parsed.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	return m.readPart(m.Header.Get, parsed.Body)
}

func (m *Message) readPart(header func(string) string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		kind = "text/plain" // as RFC 2045 has it
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(multipart.NewReader(body, params["boundary"]))
	}
	switch strings.ToLower(header("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("part %s: %w", kind, err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = text
	case kind == "text/html" && m.HTML == "":
		m.HTML = text
	}
	return nil
}

func (m *Message) readParts(parts *multipart.Reader) error {
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("parts: %w", err)
		}
		if err := m.readPart(part.Header.Get, part); err != nil {
			return err
		}
	}
}
