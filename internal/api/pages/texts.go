package pages

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/musterid/muster/internal/lang"
)

// Words are what the pages say in one language.
type Words struct {
	Lang string

	Choose, For, UsernameIs, Password, Again, Send string
	ruleText, Differ, Busy, Down                   string

	Done, DoneMore           string
	Unknown, UnknownMore     string
	Used, UsedMore           string
	Expired, ExpiredMore     string
	Withdrawn, WithdrawnMore string
	Slow, SlowMore           string
	NotHere, Foreign, NoForm string
	Sorry, Broken            string
}

// rule says what a password needs.
func (w Words) rule(least int) string { return fmt.Sprintf(w.ruleText, least) }

var english = Words{
	Lang:   "en",
	Choose: "Choose a password", For: "For", UsernameIs: "Username:", Password: "New password", Again: "The same password again", Send: "Set the password",
	ruleText: "At least %d characters. Several words are easy to remember and hard to guess.",
	Differ:   "The two passwords are not the same. Type them again.",
	Busy:     "A password is being set with this link at this moment. Wait a little and try again.",
	Down:     "The password cannot be set at the moment. The link stays valid: please try again in a few minutes.",
	Done:     "Your account is ready", DoneMore: "The password has been set. You can now sign in with your username and this password.",
	Unknown: "This link is not known", UnknownMore: "Perhaps a newer mail has taken its place, or the address was not copied whole. Use the link of the latest mail, or ask for a new one.",
	Used: "This link has been used already", UsedMore: "A password has been set with it. Sign in with that one, or ask for a new mail if it was not you.",
	Expired: "This link is no longer valid", ExpiredMore: "Its time is over. Ask whoever looks after accounts for a new mail.",
	Withdrawn: "This link is no longer valid", WithdrawnMore: "The account it was for cannot be activated at the moment. Ask whoever looks after accounts.",
	Slow: "Too many attempts", SlowMore: "Please wait a minute and try again.",
	NotHere: "That did not work", Foreign: "The form was sent from another site. Open the link of the mail again and use the page that appears.",
	NoForm: "Open the link of the mail again and use the page that appears.",
	Sorry:  "Something went wrong", Broken: "It is not your fault. Please try again in a few minutes.",
}

var french = Words{
	Lang:   "fr",
	Choose: "Choisissez un mot de passe", For: "Pour", UsernameIs: "Identifiant :", Password: "Nouveau mot de passe", Again: "Le même mot de passe, encore une fois",
	Send:     "Enregistrer le mot de passe",
	ruleText: "Au moins %d caractères. Plusieurs mots sont faciles à retenir et difficiles à deviner.",
	Differ:   "Les deux mots de passe ne sont pas identiques. Saisissez-les à nouveau.",
	Busy:     "Un mot de passe est en cours d’enregistrement avec ce lien. Patientez un instant, puis réessayez.",
	Down:     "Le mot de passe ne peut pas être enregistré pour le moment. Le lien reste valable : réessayez dans quelques minutes.",
	Done:     "Votre compte est prêt", DoneMore: "Le mot de passe est enregistré. Vous pouvez maintenant vous connecter avec votre identifiant et ce mot de passe.",
	Unknown: "Ce lien est inconnu", UnknownMore: "Un message plus récent l’a peut-être remplacé, ou l’adresse n’a pas été copiée en entier. Utilisez le lien du dernier message, ou demandez-en un nouveau.",
	Used: "Ce lien a déjà été utilisé", UsedMore: "Un mot de passe a été choisi avec ce lien. Connectez-vous avec celui-ci, ou demandez un nouveau message si ce n’était pas vous.",
	Expired: "Ce lien n’est plus valable", ExpiredMore: "Son délai est dépassé. Demandez un nouveau message à la personne qui gère les comptes.",
	Withdrawn: "Ce lien n’est plus valable", WithdrawnMore: "Le compte concerné ne peut pas être activé pour le moment. Adressez-vous à la personne qui gère les comptes.",
	Slow: "Trop de tentatives", SlowMore: "Patientez une minute, puis réessayez.",
	NotHere: "Cela n’a pas fonctionné", Foreign: "Le formulaire a été envoyé depuis un autre site. Ouvrez à nouveau le lien du message et utilisez la page qui s’affiche.",
	NoForm: "Ouvrez à nouveau le lien du message et utilisez la page qui s’affiche.",
	Sorry:  "Un problème est survenu", Broken: "Vous n’y êtes pour rien. Réessayez dans quelques minutes.",
}

func wordsOf(tag string) Words {
	if lang.Of(tag).Tag() == "fr" {
		return french
	}
	return english
}

// accepted are the words in the language that the browser likes best, and in the server's when it likes none of ours.
func (s *site) accepted(r *http.Request) Words {
	best, weight := "", 0.0
	for i, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		if i == 20 {
			break
		}
		tag, q := likes(part)
		if q > weight && (tag == "fr" || tag == "en") {
			best, weight = tag, q
		}
	}
	if best == "" {
		best = s.invite.Locale()
	}
	return wordsOf(best)
}

// likes reads one part of the header, such as fr-CH;q=0.8.
func likes(part string) (tag string, q float64) {
	tag, weight, given := strings.Cut(strings.TrimSpace(part), ";")
	q = 1
	if given {
		var err error
		q, err = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		if err != nil || q < 0 || q > 1 {
			return "", 0
		}
	}
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	return tag, q
}
