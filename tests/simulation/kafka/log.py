"""The log: topics of partitions of records. Nothing is ever removed."""

from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.partitioner import murmur2

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Log:
    """All topics, each made when first named, with the same number of partitions."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._records: dict[TopicPartition, list[Record]] = {}

    def place(self, topic: str, key: bytes | None) -> TopicPartition:
        """Where records of `key` go."""
        return TopicPartition(topic, (murmur2(key or b"") & 0x7FFFFFFF) % self.partitions)

    def append(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> Record:
        """Add a record at the end of its partition."""
        place = self.place(topic, key)
        records = self._records.setdefault(place, [])
        record = Record(topic, place.partition, len(records), key, value, headers)
        records.append(record)
        return record

    def read(self, place: TopicPartition, offset: int, most: int) -> list[Record]:
        """Up to `most` records from `offset` on."""
        return self._records.get(place, [])[offset : offset + most]

    def end(self, place: TopicPartition) -> int:
        """The offset that the next record will get."""
        return len(self._records.get(place, []))

    def topic(self, topic: str) -> list[Record]:
        """All records of a topic, partition by partition."""
        places = [TopicPartition(topic, partition) for partition in range(self.partitions)]
        return [record for place in places for record in self._records.get(place, [])]

    def ends(self) -> dict[tuple[str, int], int]:
        """The end of each partition that has records."""
        return {(place.topic, place.partition): len(records) for place, records in sorted(self._records.items())}
