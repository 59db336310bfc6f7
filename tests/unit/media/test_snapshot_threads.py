"""Pictures of several sizes are made of one keyframe by several threads at a time."""

from concurrent.futures import ThreadPoolExecutor

from lightnvr.media.snapshot import decode_keyframe, encode_jpeg
from tests.rig.film import Recipe, film


def test_threads_that_make_pictures_of_one_keyframe_do_not_disturb_each_other() -> None:
    keyframe = next(packet for packet in film(Recipe()).packets if packet.is_keyframe)
    frame = decode_keyframe(keyframe)
    sizes = [(width, width * 3 // 4) for width in (320, 160, 64, 32)]
    alone = [encode_jpeg(frame, width, height, 80) for width, height in sizes]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(50):
            assert list(threads.map(lambda size: encode_jpeg(frame, size[0], size[1], 80), sizes)) == alone
