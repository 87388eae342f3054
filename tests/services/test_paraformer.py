"""Paraformer and its punctuation on a random model of the published shape: loading, forms, times, hotwords."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.funasr_models import check_folder
from huiyin.services.asr.engines.paraformer import join_pieces
from huiyin.services.asr.recogniser import Engine, Hints, ModelFolderError, Word, join_texts, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples

HERE = bool(importlib.util.find_spec("torch") and importlib.util.find_spec("funasr"))
needs_funasr = pytest.mark.skipif(not HERE, reason="PyTorch and FunASR are not installed; `make funasr`")


def noise(seconds: float, seed: int = 0) -> Samples:
    return (np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.random_paraformer import TINY, write_paraformer, write_punctuation

    out = tmp_path_factory.mktemp("paraformer")
    write_paraformer(out / "paraformer", TINY)
    write_punctuation(out / "ct-punc", TINY)
    return out


@pytest.fixture(scope="module")
def engine(folders: Path) -> Engine:
    settings = AsrSettings(
        engine="paraformer", model=str(folders / "paraformer"), punctuation=str(folders / "ct-punc"), device="cpu"
    )
    return load_engine(settings, Path)


def texts(engine: Engine, sound: Samples, hints: Hints = Hints()) -> str:  # noqa: B008 - Hints cannot be changed
    (recognition,) = engine.recognise([sound], hints)
    return recognition.text


@pytest.mark.slow
@needs_funasr
def test_any_length_is_recognised_and_times_are_in_order_and_inside(engine: Engine) -> None:
    for seconds in (0.05, 0.06, 0.1, 0.3, 1.0, 3.7, 15.0):
        (recognition,) = engine.recognise([noise(seconds)], Hints())
        for segment in recognition.segments:
            assert segment.words and segment.text == join_texts(word.text for word in segment.words)
            times = [time_s for word in segment.words for time_s in (word.start_s, word.end_s)]
            assert times == sorted(times) and times[0] >= 0.0 and times[-1] <= seconds
            assert (segment.start_s, segment.end_s) == (times[0], times[-1])
            assert 0.0 < segment.confidence <= 1.0 and segment.language in ("zh", "en") and segment.emotion is None
            assert segment.text[-1] in "。？.?"
        assert recognition.segments or seconds < 0.3


@pytest.mark.slow
@needs_funasr
def test_the_result_is_that_of_the_stock_call(engine: Engine) -> None:
    for hotwords in ((), ("张伟", "pytorch")):
        for seed in range(20):
            sound = noise(3.0, seed)
            (recognition,) = engine.recognise([sound], Hints(hotwords=hotwords, itn=False))
            words = recognition.segments[0].words
            # The stock call drops a word's beginning that has no end, and shifts times; random numbers have such.
            if not {"py", "net"} & {word.text for word in words}:
                break
        (stock,) = engine._stock.generate(input=sound, hotword=" ".join(hotwords) or None)  # type: ignore[attr-defined]
        assert [word.text for word in words] == stock["text"].split()
        for word, (start_ms, end_ms) in zip(words, stock["timestamp"], strict=False):
            assert word.start_s == pytest.approx(start_ms / 1000, abs=0.002)
            assert word.end_s == pytest.approx(min(end_ms / 1000, 3.0), abs=0.002)


@pytest.mark.slow
@needs_funasr
def test_a_batch_gives_what_the_pieces_give_alone(engine: Engine) -> None:
    pieces = [noise(seconds, seed) for seed, seconds in enumerate((0.05, 2.0, 0.3, 7.0))]
    for hints in (Hints(), Hints(hotwords=("张伟",))):
        together = engine.recognise(pieces, hints)
        for piece, recognition in zip(pieces, together, strict=True):
            (alone,) = engine.recognise([piece], hints)
            assert [(s.text, s.words) for s in recognition.segments] == [(s.text, s.words) for s in alone.segments]


@pytest.mark.slow
@needs_funasr
def test_hotwords_count_and_stay_with_their_request(engine: Engine) -> None:
    sound = noise(2.0)
    lists = [(), ("张伟",), ("pytorch", "hello"), tuple(f"张{name}" for name in "伟维王小明北京一二")]
    alone = {hotwords: texts(engine, sound, Hints(hotwords=hotwords)) for hotwords in lists}
    assert len(set(alone.values())) > 1, "hotwords change what a random model says"
    wrong: list[str] = []

    def caller(hotwords: tuple[str, ...]) -> None:
        for _ in range(10):
            if (text := texts(engine, sound, Hints(hotwords=hotwords))) != alone[hotwords]:
                wrong.append(text)

    threads = [threading.Thread(target=caller, args=(hotwords,)) for hotwords in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.slow
@needs_funasr
def test_hotwords_of_any_kind_are_accepted_and_those_without_letters_are_a_warning(engine: Engine) -> None:
    sound = noise(1.0)
    many = tuple(f"{a}{b}" for a in "今天又没考过你好我们" for b in "是不的了在有")
    (recognition,) = engine.recognise([sound], Hints(hotwords=many))
    assert recognition.segments and not recognition.warnings
    (odd,) = engine.recognise([sound], Hints(hotwords=("hello network", "Zürich", "张伟Pytorch", "http", "x.txt")))
    assert "Zürich" in odd.warnings[0] and "张伟Pytorch" not in odd.warnings[0]
    assert texts(engine, sound, Hints(hotwords=("Zürich",))) == texts(engine, sound), "no hotword that it knows"


@pytest.mark.slow
@needs_funasr
def test_broken_sound_is_not_speech(engine: Engine) -> None:
    broken = noise(1.0)
    broken[::7] = np.nan
    broken[3] = np.inf
    assert engine.recognise([np.zeros(0, np.float32), np.ones(10, np.float32)], Hints())[0].segments == ()
    (recognition,) = engine.recognise([broken], Hints())
    assert all(np.isfinite(segment.confidence) for segment in recognition.segments)


@pytest.mark.slow
@needs_funasr
def test_marks_can_be_left_out(engine: Engine, folders: Path) -> None:
    assert not any(mark in texts(engine, noise(3.0), Hints(itn=False)) for mark in "，。？、,.?")
    settings = AsrSettings(engine="paraformer", model=str(folders / "paraformer"), punctuation="", device="cpu")
    bare = load_engine(settings, Path)
    assert texts(bare, noise(3.0)) == texts(engine, noise(3.0), Hints(itn=False))


@pytest.mark.slow
@needs_funasr
def test_marks_are_those_of_the_stock_call(folders: Path) -> None:
    from huiyin.services.asr.engines.punctuation import Punctuation

    marks = Punctuation(folders / "ct-punc", "cpu", 1)
    rng = np.random.default_rng(3)
    for length in (1, 5, 19, 20, 21, 70, 150):
        chars = rng.choice(list("今天又没考过你好我们是不的了在有"), length)
        (stock,), _ = marks._model.inference(["".join(chars)], key=["k"], tokenizer=marks._tokenizer, device="cpu")
        ours = "".join(word.text for word in marks([Word(char, 0.0, 1.0) for char in chars]))
        assert ours.replace("、。", "。") == stock["text"].replace("<unk>", "").replace("、。", "。")


def test_the_error_of_a_wrong_folder_names_the_way_to_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"no config.yaml, model.pt.*modelscope download iic/x"):
        check_folder(tmp_path, "SeacoParaformer", ("config.yaml", "model.pt"), "iic/x")
    (tmp_path / "config.yaml").write_text("model: SenseVoiceSmall\n")
    with pytest.raises(ModelFolderError, match="another model than SeacoParaformer"):
        check_folder(tmp_path, "SeacoParaformer", ("config.yaml",), "iic/x")


def test_a_precision_it_does_not_have_is_refused_before_anything_is_loaded() -> None:
    settings = AsrSettings(engine="paraformer", precision="int8")
    with pytest.raises(SettingsError, match="fp32"):
        load_engine(settings, lambda name: pytest.fail("no model is needed"))


def test_pieces_become_words() -> None:
    times = [(i / 10, (i + 1) / 10) for i in range(9)]
    words = join_pieces(["我", "用", "py@@", "torch", "c", "c", "t", "v", "好"], times)
    assert [word.text for word in words] == ["我", "用", "pytorch", "CCTV", "好"]
    assert words[2] == Word("pytorch", 0.2, 0.4) and words[3] == Word("CCTV", 0.4, 0.8)
    assert [word.text for word in join_pieces(["net@@", "好"], times)] == ["net", "好"]
    assert join_pieces(["好", "吗"], times[:1])[1].start_s == 0.0
