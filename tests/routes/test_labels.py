from idetour.profile.conditions import LABELS as NAMES
from idetour.routes.labels import LABELS
from idetour.routes.lexical import chinese, vocabulary


def test_each_label_of_the_profile_has_its_words() -> None:
    assert tuple(LABELS) == NAMES


def test_each_label_speaks_english_and_chinese() -> None:
    for label in LABELS.values():
        spoken = [chinese(each) for each in label.examples]
        assert spoken.count(True) == spoken.count(False) == 4


def test_no_word_is_written_twice_for_one_label() -> None:
    for name, words in vocabulary().items():
        listed = [word for word, _ in words]
        assert sorted({word for word in listed if listed.count(word) > 1}) == [], name
