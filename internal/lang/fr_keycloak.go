package lang

import "maps"

// What stands in the way at a Keycloak. Where its console is meant, its English words stay beside the French ones.
func init() {
	maps.Copy(french, map[string]string{
		// settings
		"The address has the form https://id.example.org.":                                                                              "L’adresse a la forme https://id.example.org.",
		"The address has no user name, no question mark and no #; the client has settings of its own.":                                  "L’adresse n’a ni nom d’utilisateur, ni point d’interrogation, ni # ; le client a ses propres réglages.",
		"An http:// address is not encrypted. Use https://, or set allow_http and accept that the secret crosses the network in clear.": "Une adresse http:// n’est pas chiffrée. Utilisez https://, ou activez allow_http et acceptez que le secret traverse le réseau en clair.",
		"There is no PEM certificate in it. It begins with -----BEGIN CERTIFICATE-----.":                                                "Il n’y a pas de certificat PEM dans ce texte. Un certificat commence par -----BEGIN CERTIFICATE-----.",
		"This is not the name of a realm.":                                                                                              "Ce n’est pas le nom d’un realm.",
		"A required action has a name, such as UPDATE_PASSWORD.":                                                                        "Une action requise a un nom, par exemple UPDATE_PASSWORD.",
		"The address after the link is one of a client, which is to be named here.":                                                     "L’adresse qui suit le lien est celle d’un client, qui est à nommer ici.",
		"A page has between 10 and 1000 accounts.":                                                                                      "Une page contient de 10 à 1000 comptes.",
		"The path of a group begins with /.":                                                                                            "Le chemin d’un groupe commence par /.",
		"A code is given the path of a group, such as /school/teachers.":                                                                "Un code reçoit le chemin d’un groupe, par exemple /ecole/enseignants.",
		"A code is given the name of a role, such as teacher, or app/reader for a role of a client.":                                    "Un code reçoit le nom d’un rôle, par exemple enseignant, ou app/lecteur pour un rôle d’un client.",
		"A role has a name.":                                 "Un rôle a un nom.",
		"%q is not the name of an attribute.":                "%q n’est pas le nom d’un attribut.",
		"%q is not an attribute that could hold the marker.": "%q n’est pas un attribut qui pourrait contenir le marqueur.",
		"There is no field %q that could be kept in an attribute. Phones, addresses and own attributes are named phones.work, addresses.work.street, attributes.class.": "Il n’y a pas de champ %q qui pourrait être gardé dans un attribut. Les téléphones, adresses et attributs propres se nomment phones.work, addresses.work.street, attributes.class.",
		"The attribute %s already holds %s, so %s cannot be kept there. Map it to another attribute, or to none with an empty text.":                                    "L’attribut %s contient déjà %w, %s ne peut donc pas y être gardé. Faites-le correspondre à un autre attribut, ou à aucun avec un texte vide.",
		"The attribute %s already holds %s.": "L’attribut %s contient déjà %w.",

		// the way there
		"Keycloak cannot be reached: %v.":                                                             "Keycloak est injoignable : %v.",
		"Keycloak cannot be worked with (status %d).":                                                 "Keycloak ne répond pas comme il faut (statut %d).",
		"Keycloak asks to wait (status %d): %s.":                                                      "Keycloak demande d’attendre (statut %d) : %s.",
		"Keycloak gives no token (status %d): %s.":                                                    "Keycloak ne donne pas de jeton (statut %d) : %s.",
		"Keycloak has no realm %s.":                                                                   "Keycloak n’a pas de realm %s.",
		"Keycloak has no realm %s in which the client could be.":                                      "Keycloak n’a pas de realm %s où pourrait se trouver le client.",
		"Keycloak does not accept the client %s or its secret, or the client has no service account.": "Keycloak n’accepte pas le client %s ou son secret, ou le client n’a pas de compte de service.",
		"Keycloak gives a token to the client %s and then does not accept it. Both must be reached at one address, and the client's realm must be one that may administer the accounts'.": "Keycloak donne un jeton au client %s, puis ne l’accepte pas. Les deux doivent être joints à la même adresse, et le realm du client doit pouvoir administrer celui des comptes.",
		"The address does not lead to a Keycloak: status %d is the answer. It may lack a path such as /auth, or have one too many.":                                                       "L’adresse ne mène pas à un Keycloak : la réponse est le statut %d. Il lui manque peut-être un chemin tel que /auth, ou elle en a un de trop.",

		// rights and rules of the realm
		"Keycloak does not let the client %s %s. Give its service account the right to: the documentation lists the roles that are needed.":             "Keycloak n’autorise pas le client %s à %w. Donnez-en le droit à son compte de service : la documentation énumère les rôles nécessaires.",
		"Keycloak lets the client %s read accounts and not change them. Give its service account the role manage-users of the client realm-management.": "Keycloak laisse le client %s lire les comptes, mais pas les modifier. Donnez à son compte de service le rôle manage-users du client realm-management.",
		"Keycloak does not let the client %s look up roles. Give its service account the right view-realm, and view-clients for roles of clients.":      "Keycloak n’autorise pas le client %s à consulter les rôles. Donnez à son compte de service le droit view-realm, et view-clients pour les rôles des clients.",
		"Keycloak refuses to %s: %s.":                                                                                                           "Keycloak refuse cette opération (%w) : %s.",
		"Keycloak does not accept the value of %s: %s.":                                                                                         "Keycloak n’accepte pas la valeur de %s : %s.",
		"The realm has an account %s already.":                                                                                                  "Le realm a déjà un compte %s.",
		"Another account of the realm has the address %s, and the realm does not let two have one.":                                             "Un autre compte du realm a l’adresse %s, et le realm n’admet pas que deux comptes aient la même.",
		"Several accounts of the realm have %s, such as %s and %s. Only one may.":                                                               "Plusieurs comptes du realm ont %w, par exemple %s et %s. Un seul le peut.",
		"An account in Keycloak needs a username.":                                                                                              "Il faut un identifiant pour un compte dans Keycloak.",
		"An account is deleted by its external id only.":                                                                                        "Un compte n’est supprimé que par son numéro externe.",
		"The account %s comes from a user federation or belongs to a client, and is not deleted.":                                               "Le compte %s vient d’une fédération d’utilisateurs ou appartient à un client, et n’est pas supprimé.",
		"The realm makes usernames of e-mail addresses. Switch off “Email as username” in its settings, under Login.":                           "Le realm prend les adresses e-mail comme identifiants. Désactivez « Email as username » dans ses réglages, sous Login.",
		"The realm does not let usernames be changed. Switch on “Edit username” in its settings, under Login.":                                  "Le realm n’admet pas que les identifiants changent. Activez « Edit username » dans ses réglages, sous Login.",
		"The realm does not let usernames be changed, so that nobody could be renamed. Switch on “Edit username” in its settings, under Login.": "Le realm n’admet pas que les identifiants changent : personne ne pourrait être renommé. Activez « Edit username » dans ses réglages, sous Login.",
		"The realm has no required action %s, or it is switched off. It has: %s.":                                                               "Le realm n’a pas d’action requise %s, ou elle est désactivée. Il a : %s.",
		"The realm has no group %s.":                                                                                                            "Le realm n’a pas de groupe %s.",
		"The realm has no group %s. Make it, or give the code %s another path or a role in the settings of the target.":                         "Le realm n’a pas de groupe %s. Créez-le, ou donnez au code %s un autre chemin ou un rôle dans les réglages de la cible.",
		"The realm has no role %s. A realm role is written by its name, a role of a client as client/role.":                                     "Le realm n’a pas de rôle %s. Un rôle du realm s’écrit par son nom, un rôle d’un client sous la forme client/rôle.",
		"The realm's user profile does not take these attributes: %s. In the admin console, under Realm settings, User profile, create each of them with the permission to view and edit for Admin alone; or set declare_attributes.": "Le profil utilisateur du realm n’admet pas ces attributs : %s. Dans la console d’administration, sous Realm settings, User profile, créez chacun d’eux avec la permission de voir et de modifier pour Admin seul ; ou activez declare_attributes.",
		"The realm's user profile does not let administrators write the attribute %s. Under Realm settings, User profile, give Admin the permission to edit it.":                                                                      "Le profil utilisateur du realm n’autorise pas les administrateurs à écrire l’attribut %s. Sous Realm settings, User profile, donnez à Admin la permission de le modifier.",
		"The realm's user profile lets people write the attribute %s of their own account, and so be taken for somebody else. Under Realm settings, User profile, take the permission to edit it from User.":                          "Le profil utilisateur du realm laisse chacun écrire l’attribut %s de son propre compte, et se faire ainsi passer pour un autre. Sous Realm settings, User profile, retirez à User la permission de le modifier.",

		// passwords and mails
		"The realm's rules refuse this password: %s.":                                 "Les règles du realm refusent ce mot de passe : %s.",
		"The account %s has no e-mail address.":                                       "Le compte %s n’a pas d’adresse e-mail.",
		"The activation mail leads to required actions, and the settings name none.":  "Le courriel d’activation mène à des actions requises, et les réglages n’en nomment aucune.",
		"Keycloak refuses the client or the address that the link is to lead to: %s.": "Keycloak refuse le client ou l’adresse où le lien doit mener : %s.",
		"Keycloak refuses to send to this address: %s.":                               "Keycloak refuse d’écrire à cette adresse : %s.",
		"Keycloak could not send the mail: %s.":                                       "Keycloak n’a pas pu envoyer le courriel : %s.",
	})
}
