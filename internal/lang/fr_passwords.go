package lang

import "maps"

// What signing in by a password says.
func init() {
	maps.Copy(french, map[string]string{
		"This login and password do not belong together. Check both, wait a moment before trying again, or ask for a new password.": "Cet identifiant et ce mot de passe ne vont pas ensemble. Vérifiez les deux, attendez un instant avant de réessayer, ou demandez un nouveau mot de passe.",
		"Too many passwords are being checked right now. Try again in a moment.":                                                    "Trop de mots de passe sont en cours de vérification. Réessayez dans un instant.",

		"The password would be seen here. Give it on standard input, such as: muster people password %s < FILE": "Le mot de passe se verrait ici. Donnez-le sur l’entrée standard, par exemple : muster people password %s < FICHIER",
		"%s has a new password.": "%s a un nouveau mot de passe.",
	})
}
