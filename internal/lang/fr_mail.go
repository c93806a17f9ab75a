package lang

import "maps"

// What mails and the pages they lead to may say is wrong.
func init() {
	maps.Copy(french, map[string]string{
		"%q is no address of a mail server. It needs the form mail.example.org:587.":                    "%q n’est pas une adresse de serveur de messagerie. Il faut la forme mail.example.org:587.",
		"A password is not sent in clear: log in over starttls or tls, or leave smtp-username out.":     "Un mot de passe n’est pas envoyé en clair : connectez-vous par starttls ou tls, ou laissez smtp-username de côté.",
		"%q is none of starttls, tls, none.":                                                            "%q n’est ni starttls, ni tls, ni none.",
		"%q is no sender. It needs the form accounts@example.org, or Name <accounts@example.org>.":      "%q n’est pas un expéditeur. Il faut la forme comptes@example.org, ou Nom <comptes@example.org>.",
		"%q is no address for answers. It needs the form help@example.org.":                             "%q n’est pas une adresse pour les réponses. Il faut la forme aide@example.org.",
		"%s is not an e-mail address that mail can be sent to.":                                         "%s n’est pas une adresse e-mail à laquelle on peut écrire.",
		"The connection to the mail server is gone.":                                                    "La connexion au serveur de messagerie est perdue.",
		"The mail server cannot be used: %s.":                                                           "Le serveur de messagerie ne peut pas être utilisé : %s.",
		"The mail server refuses our login: %s.":                                                        "Le serveur de messagerie refuse notre connexion : %s.",
		"The mail server does not answer in time.":                                                      "Le serveur de messagerie ne répond pas à temps.",
		"The mail server does not take mail from our sender: %s.":                                       "Le serveur de messagerie n’accepte pas notre expéditeur : %s.",
		"The mail server does not take this mail yet: %s.":                                              "Le serveur de messagerie n’accepte pas encore ce message : %s.",
		"The mail server does not take this mail: %s.":                                                  "Le serveur de messagerie n’accepte pas ce message : %s.",
		"This link is not known. Perhaps a newer mail has taken its place, or it was not copied whole.": "Ce lien est inconnu. Un message plus récent l’a peut-être remplacé, ou il n’a pas été copié en entier.",
		"A password is being set with this link at this moment. Wait a little and try again.":           "Un mot de passe est en cours d’enregistrement avec ce lien. Patientez un instant, puis réessayez.",
		"This link has been used already. Sign in with the password that was chosen.":                   "Ce lien a déjà été utilisé. Connectez-vous avec le mot de passe choisi.",
		"The life of this link is over. Ask for a new mail.":                                            "Le délai de ce lien est dépassé. Demandez un nouveau message.",
		"This link is no longer meant to be used.":                                                      "Ce lien ne doit plus être utilisé.",
		"A password is needed.":                                                                         "Il faut un mot de passe.",
		"The password has characters that cannot be typed everywhere. Choose another one.":              "Le mot de passe contient des caractères qu’on ne peut pas saisir partout. Choisissez-en un autre.",
		"The password needs at least %d characters.":                                                    "Le mot de passe doit avoir au moins %d caractères.",
		"The password may have at most %d characters.":                                                  "Le mot de passe peut avoir au plus %d caractères.",
		"There is no such ticket.":                                                                      "Ce lien n’existe pas.",
		"There is no ticket %d.":                                                                        "Il n’y a pas de lien %d.",
		"There is no mail %d.":                                                                          "Il n’y a pas de message %d.",
		"There is no mail for ticket %d.":                                                               "Il n’y a pas de message pour le lien %d.",
	})
}
