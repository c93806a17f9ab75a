package keycloaktest

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var (
	formAction = regexp.MustCompile(`<form[^>]*\saction="([^"]+)"`)
	proceed    = regexp.MustCompile(`(?s)id="kc-info-message".*?<a [^>]*href="([^"]+)"`)
	tags       = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]+>`)
)

// Follow walks the pages behind the link of an activation mail as a browser does: it confirms, and sets the password where one is asked for. With
// an empty password it stops there, like somebody who thinks it over. It gives the text of the last page; what became of the account is to be read
// from the realm.
func (r *Realm) Follow(ctx context.Context, link, password string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser := &http.Client{Timeout: client.Timeout, Transport: client.Transport, Jar: jar}
	page, err := visit(ctx, browser, http.MethodGet, link, nil)
	for range 10 {
		if err != nil {
			return "", err
		}
		next := proceed.FindStringSubmatch(page)
		form := formAction.FindStringSubmatch(page)
		switch {
		case form != nil && strings.Contains(page, `name="password-new"`) && password != "":
			page, err = visit(ctx, browser, http.MethodPost, html.UnescapeString(form[1]), url.Values{"password-new": {password}, "password-confirm": {password}})
		case form == nil && next != nil && strings.Contains(next[1], "/login-actions/"):
			page, err = visit(ctx, browser, http.MethodGet, html.UnescapeString(next[1]), nil)
		default:
			return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " "), nil
		}
	}
	return "", fmt.Errorf("keycloaktest: the pages behind %s do not end", link)
}

func visit(ctx context.Context, browser *http.Client, method, address string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
