# Does the broker answer? One ApiVersions request (v0, 14 bytes), and its answer's first 8 bytes.
# Kafka's own tools would start a Java machine for each check.
set -o errexit
exec 3<>/dev/tcp/127.0.0.1/9092
printf '\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff' >&3
test "$(timeout 3 head -c 8 <&3 | wc -c)" -eq 8
