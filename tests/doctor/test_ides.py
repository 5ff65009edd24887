from idetour.certs.stores import STORES
from idetour.doctor.ides import IDES


def test_every_ide_names_stores_that_there_are() -> None:
    assert {store for ide in IDES.values() for store in ide.stores} <= STORES.keys()
