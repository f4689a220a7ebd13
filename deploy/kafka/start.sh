# The image would give every storage the same cluster id. Stride keeps applied offsets in its database
# and must notice when they are of another Kafka: so new storage gets an id of its own, and keeps it.
set -o errexit
meta=/var/lib/kafka/data/meta.properties
if [ -e "$meta" ]; then
  CLUSTER_ID=$(sed -n 's/^cluster.id=//p' "$meta")
else
  # 16 bytes in 22 letters and digits; the last one holds two bits only.
  CLUSTER_ID=$(head -c 64 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | head -c 21)A
fi
export CLUSTER_ID
exec /etc/kafka/docker/run
