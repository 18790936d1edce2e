#!/bin/sh
# A Gatebook device: asks for access until it is granted, then publishes. Needs curl, openssl and mosquitto_pub.
#   URL=https://gatebook.plant:8443 CA_FINGERPRINT=hex ./device.sh NAME TOPIC MESSAGE
# CA_FINGERPRINT is the SHA-256 of the registry's CA; without it an https registry must be one that the system trusts.
set -eu
umask 077 # all files are this user's alone
name=$1 topic=$2 message=$3 URL=${URL:-http://localhost:8080} state=${STATE:-$1.state} ca=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "$name: $*" >&2; }
if [ ! -s "$state" ]; then # on disk before anybody hears of it
  echo "$(openssl rand -hex 32) $(openssl rand -hex 3)" > "$state.new" && sync && mv "$state.new" "$state"
fi
read -r password pairing < "$state"
say "pairing ID $(echo "$pairing" | sed 's/.../& /')"
if [ -n "${CA_FINGERPRINT:-}" ]; then # the fingerprint is what is trusted, so the CA itself may come from anywhere
  curl -sSk "$URL/ca/certificate" | awk -v to="$work/ca" '/BEGIN/ { n++ } { print > (to n) }'
  for one in "$work"/ca*; do
    found=$(openssl x509 -in "$one" -noout -fingerprint -sha256 2> /dev/null | sed 's/.*=//; s/://g' | tr A-F a-f)
    [ "$found" != "$(echo "$CA_FINGERPRINT" | tr -d ': ' | tr A-F a-f)" ] || ca=$one
  done
  [ -n "$ca" ] || { say "the registry has another CA, or none; nothing was sent"; exit 4; }
fi
field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" "$work/body"; }
header() { tr -d '\r' < "$work/head" | sed -n "s/^$1: *//Ip" | tail -1; }
http() { # an answer that breaks off is none
  code=$(curl -sS -m 60 ${ca:+--cacert "$ca"} -D "$work/head" -o "$work/body" -w '%{http_code}' "$@") || code=000
  echo "$code"; }
# Secrets go by stdin and files: every user of a machine reads its command lines.
ask() { printf '{"username":"%s","password":"%s","pairingId":"%s"}' "$name" "$password" "$pairing" |
  http -H 'Content-Type: application/json' -d @- "$URL/api/client-registry/register"; }
poll() { printf 'Authorization: Bearer %s\nPrefer: wait=30\n' "$token" | http -H @- "$URL/api/client-registry/requests/self"; }
publish() { # to the broker $1, mqtt://host:port
  printf -- '-u %s\n-P %s\n' "$name" "$password" > "$work/mosquitto_pub"
  XDG_CONFIG_HOME=$work mosquitto_pub -h "$(echo "$1" | sed 's|.*://||; s|:[0-9]*$||')" -p "${1##*:}" ${ca:+--cafile "$ca"} \
    -q 1 -t "$topic" -m "$message" && say "published to $1"; }
if [ -s "$state.broker" ] && publish "$(cat "$state.broker")"; then exit 0; fi
token='' failures=0 taken=0
while code=$(if [ -n "$token" ]; then poll; else ask; fi) && [ "$code" != 201 ]; do
  case $code in 0?? | 408 | 429 | 5??) failures=$((failures + 1)) ;; *) failures=0 ;; esac
  case $code in
    202) say pending; polled=$token token=$(field registrationToken)
      [ -n "$polled" ] || continue ;; # the registry holds the answer to the next question back itself
    423) say locked; taken=0 ;;
    409) say "$(field code)" # a name that is taken is asked for once more: it may have become a replacement
      if [ "$(field code)" = username-taken ]; then taken=$((taken + 1)); else taken=0; fi
      [ $taken -lt 2 ] || exit 3 ;;
    0?? | 408 | 429 | 5??) say "no answer, or busy ($code)" ;;
    *) [ -n "$token" ] || { say "refused: $code $(field code)"; exit 3; }
      token='' && continue ;; # what ended the token may not have ended the password
  esac
  after=$([ "$code" = 000 ] || header retry-after)
  case $after in *[!0-9]*) after=$(($(date -d "$after" +%s) - $(date -d "$(header date)" +%s))) ;; esac # by the server's clock
  [ -n "$after" ] || after=$((failures > 0 ? 0 : 5)) # then back-off with full jitter on top, or a fifth
  sleep $((after + $(od -An -N2 -tu2 /dev/urandom) % ((failures > 6 ? 60 : failures > 0 ? 1 << failures - 1 : after / 5) + 1)))
done
broker=$(grep -o "mqtt${ca:+s}://[^\"]*" "$work/body" | head -1)
echo "$broker" > "$state.broker" && say "granted" && publish "$broker"
