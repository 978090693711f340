"""The columns: each quality signal is described, and keys lead the order of their table."""

from __future__ import annotations

from qingwen.dataset.schema import KEYS, ORDERS, SIGNALS, TABLES
from qingwen.metadata.quality import signals


def test_every_quality_signal_has_a_description() -> None:
    assert set(SIGNALS) == set(signals("", 0))


def test_every_table_has_a_key_and_an_order_of_its_columns() -> None:
    assert set(KEYS) == set(ORDERS) == set(TABLES)
    for name, order in ORDERS.items():
        assert order[0] == KEYS[name]
        assert set(order) <= set(TABLES[name].names), name
