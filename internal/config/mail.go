package config

import (
	"net"
	"net/url"
	"strings"
)

// Mail is how people are written to, and where the links in their mails lead.
type Mail struct {
	PublicURL string `name:"public-url" env:"MUSTER_PUBLIC_URL" placeholder:"URL" help:"Where people reach this server, such as https://accounts.example.org: the links in mails begin with it. Default: the address that is listened on."`

	SMTPAddress      string `name:"smtp-address" env:"MUSTER_SMTP_ADDRESS" placeholder:"HOST:PORT" help:"Mail server that takes our mails. Without one no mail is sent."`
	SMTPTLS          string `name:"smtp-tls" env:"MUSTER_SMTP_TLS" placeholder:"HOW" default:"starttls" help:"How the way to it is encrypted: starttls, tls (from the first byte on), or none."`
	SMTPUsername     string `name:"smtp-username" env:"MUSTER_SMTP_USERNAME" placeholder:"NAME" help:"Name to log in to it with. Without one nobody logs in."`
	SMTPPasswordFile string `name:"smtp-password-file" env:"MUSTER_SMTP_PASSWORD_FILE" placeholder:"FILE" help:"File with the password."`
	SMTPPassword     string `name:"smtp-password" env:"MUSTER_SMTP_PASSWORD" hidden:"" help:"The password itself. Better in the environment than on the command line."`

	From        string `name:"mail-from" env:"MUSTER_MAIL_FROM" placeholder:"ADDRESS" help:"Sender of our mails, such as 'Accounts <accounts@example.org>'."`
	ReplyTo     string `name:"mail-reply-to" env:"MUSTER_MAIL_REPLY_TO" placeholder:"ADDRESS" help:"Where answers go. Default: the sender."`
	Locale      string `name:"mail-locale" env:"MUSTER_MAIL_LOCALE" placeholder:"LANGUAGE" default:"en" help:"fr or en: the language of people of whom neither is known."`
	PasswordMin int    `name:"password-min" env:"MUSTER_PASSWORD_MIN" placeholder:"N" default:"8" help:"Least number of characters of a password that somebody chooses here."`
}

func (m *Mail) setDefaults() {
	set(&m.SMTPTLS, "starttls")
	set(&m.Locale, "en")
	set(&m.PasswordMin, 8)
	m.PublicURL = strings.TrimRight(m.PublicURL, "/")
}

// check gives the faults that can be told without the mail server's own rules, which are internal/mail's.
func (m Mail) check(listen string, add func(field, format string, args ...any)) {
	if m.PublicURL != "" {
		u, err := url.Parse(m.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			add("public-url", "%q is no address that people can open. It needs the form https://accounts.example.org.", m.PublicURL)
		}
	}
	host, _, _ := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); m.SMTPAddress != "" && m.PublicURL == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
		add("public-url", "Nobody can open a link that leads to %s. Say where people reach this server: https://accounts.example.org.", listen)
	}
	if m.SMTPAddress == "" && (m.SMTPUsername != "" || m.SMTPPassword != "" || m.SMTPPasswordFile != "") {
		add("smtp-address", "There is a login for a mail server, and no mail server. Say which one: mail.example.org:587.")
	}
	if m.SMTPPassword != "" && m.SMTPPasswordFile != "" {
		add("smtp-password-file", "The password of the mail server is given twice: as a file and as itself. Keep one of them.")
	}
	if !oneOf(m.Locale, "fr", "en") {
		add("mail-locale", "%q is neither fr nor en.", m.Locale)
	}
	if m.PasswordMin < 8 || m.PasswordMin > 128 {
		add("password-min", "A password has at least 8 characters; the least number may be set to 8 to 128.")
	}
}
