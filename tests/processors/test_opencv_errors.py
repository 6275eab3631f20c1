"""What OpenCV's exceptions say, those of the C++ library included."""

import cv2
import numpy as np
import pytest

from processors.opencv_errors import lacks_memory, reason_of


def test_memory_that_opencv_asked_for_itself() -> None:
    with pytest.raises(cv2.error) as caught:
        cv2.copyMakeBorder(np.zeros((1, 1), np.uint8), 0, 1 << 30, 0, 1 << 30, 0)
    assert lacks_memory(caught.value)


def test_memory_that_the_cpp_library_asked_for() -> None:
    assert lacks_memory(cv2.error("std::bad_alloc"))


def test_an_earlier_lack_of_memory_does_not_count() -> None:
    with pytest.raises(cv2.error):
        cv2.copyMakeBorder(np.zeros((1, 1), np.uint8), 0, 1 << 30, 0, 1 << 30, 0)
    assert not lacks_memory(cv2.error("vector::_M_range_check"))


def test_a_wrong_argument_is_no_lack_of_memory() -> None:
    with pytest.raises(cv2.error) as caught:
        cv2.resize(np.zeros((1, 1), np.uint8), (0, 0))
    assert not lacks_memory(caught.value)
    assert reason_of(caught.value) == caught.value.err


def test_an_exception_without_a_reason_says_what_it_can() -> None:
    assert reason_of(cv2.error("vector::_M_range_check")) == "vector::_M_range_check"
