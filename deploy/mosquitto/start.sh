#!/bin/sh
# Makes Gatebook's own account at the first start, then runs the broker.
set -eu
accounts=/mosquitto/data/dynamic-security.json
if [ ! -f "$accounts" ]; then
  mosquitto_ctrl dynsec init "$accounts" gatebook "$(cat /run/secrets/mosquitto_password)"
  chown mosquitto: "$accounts"
  chmod 0600 "$accounts"
fi
exec mosquitto -c /mosquitto/config/mosquitto.conf
