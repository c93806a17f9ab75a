package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api/jumpcloud"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/secret"
)

// openMail makes what sends mail, where a mail server is set. Nothing is sent, and the server is not asked.
func (a *App) openMail(context.Context) (err error) {
	c := a.config.Mail
	if c.SMTPAddress == "" {
		return nil
	}
	password := c.SMTPPassword
	if c.SMTPPasswordFile != "" {
		content, err := os.ReadFile(c.SMTPPasswordFile)
		if errors.Is(err, fs.ErrNotExist) {
			return muster.Errors{muster.Errorf(muster.NotFound, "smtp-password-file", "There is no file %s.", c.SMTPPasswordFile)}
		}
		if err != nil {
			return muster.Errors{muster.Errorf(muster.Invalid, "smtp-password-file", "The file %s cannot be read.", c.SMTPPasswordFile).Because(err)}
		}
		password = strings.TrimRight(string(content), "\r\n")
	}
	a.mail, err = mail.New(mail.Options{
		Address: c.SMTPAddress, Username: c.SMTPUsername, Password: secret.Redacted(password), TLS: mail.TLS(c.SMTPTLS), From: c.From, ReplyTo: c.ReplyTo,
	})
	return err
}

// publicURL is where people reach this server.
func (a *App) publicURL() string {
	if a.config.Mail.PublicURL != "" {
		return a.config.Mail.PublicURL
	}
	return a.URL()
}

// place says where an import stands on the surface that it came over, for who is mailed its end.
func place(b muster.Batch) (p invite.Place, ok bool) {
	if b.Surface != "jumpcloud" {
		return p, false
	}
	id := jumpcloud.JobID(b.Seq, b.CreatedAt)
	return invite.Place{Name: id, Path: "/api/v2/jobs/" + id + "/results?limit=100", Quiet: "suppressEmail=true"}, true
}
