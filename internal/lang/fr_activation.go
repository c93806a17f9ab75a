package lang

import "maps"

// What stands in the way of activating an account.
func init() {
	maps.Copy(french, map[string]string{
		"A target of kind %s sends no mail by itself. Set this to muster or none.":                         "Une cible de type %s n’envoie pas de courriel par elle-même. Indiquez muster ou none.",
		"Passwords cannot be set on a target of kind %s, so Muster has nothing to mail. Set this to none.": "Les mots de passe d’une cible de type %s ne peuvent pas être définis, Muster n’a donc rien à envoyer. Indiquez none.",
		"There is no account %s.":                                                        "Il n’y a pas de compte %s.",
		"This account was taken out of our hands.":                                       "Ce compte a été retiré de notre gestion.",
		"The account is activated already.":                                              "Le compte est déjà activé.",
		"Nobody mails the people of target %s: the activation in its policy is none.":    "Personne n’écrit aux personnes de la cible %s : l’activation y est réglée sur none.",
		"Muster cannot send mail: no mail server is set.":                                "Muster ne peut pas envoyer de courriel : aucun serveur de messagerie n’est réglé.",
		"There is no account at the target yet.":                                         "Il n’y a pas encore de compte sur la cible.",
		"This person may not sign in, so there is nothing to activate.":                  "Cette personne ne peut pas se connecter, il n’y a donc rien à activer.",
		"This person has no e-mail address. Give them one first.":                        "Cette personne n’a pas d’adresse e-mail. Donnez-lui-en une d’abord.",
		"This target sends no mail by itself.":                                           "Cette cible n’envoie pas de courriel par elle-même.",
		"The account is no longer at the target. Deliver it again to have it made anew.": "Le compte n’est plus sur la cible. Relancez-le pour le recréer.",
		"This account is there no more. Ask whoever looks after accounts.":               "Ce compte n’existe plus. Adressez-vous à la personne qui gère les comptes.",
		"This account may not be used at the moment. Ask whoever looks after accounts.":  "Ce compte ne peut pas être utilisé pour le moment. Adressez-vous à la personne qui gère les comptes.",
		"Passwords cannot be set at the moment. Try again later.":                        "Les mots de passe ne peuvent pas être définis pour le moment. Réessayez plus tard.",
		"Passwords of this account cannot be set here.":                                  "Le mot de passe de ce compte ne peut pas être défini ici.",
		"A password has at most %d characters.":                                          "Un mot de passe a au plus %d caractères.",
		"The rehearsal target wants a password of at least %d characters.":               "La cible d’essai veut un mot de passe d’au moins %d caractères.",
		"The account has no e-mail address at the rehearsal target.":                     "Le compte n’a pas d’adresse e-mail sur la cible d’essai.",
		"The rehearsal target refuses to send mail to %s.":                               "La cible d’essai refuse d’écrire à %s.",
		"This is 0 or more, and at most 100000000.":                                      "Cette valeur est comprise entre 0 et 100000000.",
		"The directory does not accept this password: %s. Choose another one.":           "L’annuaire n’accepte pas ce mot de passe : %s. Choisissez-en un autre.",
		"The directory has no operation to set passwords.":                               "L’annuaire n’a pas d’opération pour définir les mots de passe.",
		"%s is being asked; see: muster accounts list --target %s":                       "%s est interrogée ; voir : muster accounts list --target %s",
	})
}
