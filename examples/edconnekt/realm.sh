#!/usr/bin/env bash
# Makes the realm of docs/edconnekt.md with kcadm.sh, and prints the secret of Muster's client. To be run once, against a Keycloak to try things with.
#
#   KEYCLOAK=~/keycloak-26.4.0 examples/edconnekt/realm.sh > "$KEYCLOAK/client-secret"
set -eu
: "${KEYCLOAK:?names the unpacked Keycloak}" "${KEYCLOAK_URL:=http://127.0.0.1:8180}"
config=$(mktemp)
trap 'rm -f "$config"' EXIT
kcadm() { # command, arguments…
  local command=$1
  shift
  "$KEYCLOAK/bin/kcadm.sh" "$command" "$@" --config "$config"
}
"$KEYCLOAK/bin/kcadm.sh" config credentials --config "$config" --server "$KEYCLOAK_URL" --realm master --user admin --password admin >&2

# The realm: usernames may change, sign-ins are remembered, mails go to the mailbox of this example.
kcadm create realms -s realm=school -s enabled=true -s editUsernameAllowed=true -s eventsEnabled=true -s 'enabledEventTypes=["LOGIN"]' \
  -s 'smtpServer={"host":"127.0.0.1","port":"1025","from":"ecole@example.org"}' >&2

# Muster's client: it works with its own account, and tokens for Muster bear its name. manage-realm is needed until the marker attribute is there.
client=$(kcadm create clients -r school -i -s clientId=muster -s publicClient=false -s serviceAccountsEnabled=true -s standardFlowEnabled=false -s directAccessGrantsEnabled=false)
kcadm add-roles -r school --uusername service-account-muster --cclientid realm-management \
  --rolename manage-users --rolename view-users --rolename query-users --rolename query-groups --rolename view-realm --rolename view-events --rolename manage-realm >&2

# The front end's client. Direct access grants are for trying it with curl; a browser does not need them.
app=$(kcadm create clients -r school -i -s clientId=school-app -s publicClient=true -s directAccessGrantsEnabled=true -s 'redirectUris=["http://localhost:5173/*"]' -s 'webOrigins=["http://localhost:5173"]')
scope=$(kcadm create client-scopes -r school -i -s name=muster -s protocol=openid-connect -s 'protocolMappers=[{"name":"audience","protocol":"openid-connect","protocolMapper":"oidc-audience-mapper","config":{"included.client.audience":"muster","access.token.claim":"true","id.token.claim":"false"}}]')
kcadm update "clients/$app/default-client-scopes/$scope" -r school >&2

# A secretary who administers everything.
kcadm create roles -r school -s name=ROLE_ADMIN >&2
kcadm create users -r school -s username=secretary -s enabled=true -s firstName=Sophie -s lastName=Secrétaire -s email=secretary@example.org -s emailVerified=true >&2
kcadm set-password -r school --username secretary --new-password 'to try things' >&2
kcadm add-roles -r school --uusername secretary --rolename ROLE_ADMIN >&2

kcadm get "clients/$client/client-secret" -r school --fields value --format csv --noquotes
