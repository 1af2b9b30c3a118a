use proptest::prelude::*;

use super::*;

fn text(seed: usize, len: usize) -> String {
    let all = "aß€𝄞0123456789";
    all.chars()
        .cycle()
        .skip(seed)
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= len).then_some(c)
        })
        .collect()
}

proptest! {
    #[test]
    fn frames_are_what_was_received_however_it_came_and_whatever_is_kept(
        lens in prop::collection::vec(prop_oneof![0..40_usize, 100..5_000_usize, 60_000..70_000_usize], 1..60),
        reads in prop::collection::vec(1..40_000_usize, 1..20),
        kept in prop::collection::vec(0..4_usize, 60),
    ) {
        let texts: Vec<String> = lens.iter().enumerate().map(|(n, len)| text(n, *len)).collect();
        let mut left: &[u8] = &texts.concat().into_bytes();
        let (mut buffer, mut reads) = (FrameBuffer::default(), reads.iter().cycle());
        let mut frames = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            while buffer.unread().len() < text.len() {
                let space = buffer.spare(text.len()).len();
                let bytes = left.len().min(space).min(*reads.next().unwrap());
                buffer.receive(&left[..bytes]);
                left = &left[bytes..];
            }
            frames.push((n, buffer.cut(0, text.len()).unwrap()));
            if kept[n] == 0 {
                frames.clear();
            } else if kept[n] == 1 {
                frames.swap_remove(0);
            }
        }
        for (n, frame) in &frames {
            prop_assert_eq!(frame.as_str(), &texts[*n]);
        }
    }
}

#[test]
fn a_block_without_frames_is_used_again_from_its_beginning() {
    let mut buffer = FrameBuffer::default();
    let place = buffer.spare(0).as_ptr();
    for _ in 0..3 {
        buffer.receive(b"onetwo");
        let first = buffer.cut(0, 3).unwrap();
        let second = buffer.cut(0, 3).unwrap();
        assert_ne!(buffer.spare(0).as_ptr(), place, "two frames are left");
        drop(first);
        let copy = second.clone();
        drop(second);
        assert_ne!(buffer.spare(0).as_ptr(), place, "one frame is left");
        assert_eq!(copy.as_str(), "two");
        drop(copy);
        assert_eq!(buffer.spare(0).as_ptr(), place);
    }
}

#[test]
fn two_blocks_are_used_in_turn_while_frames_of_the_last_one_are_left() {
    let mut buffer = FrameBuffer::default();
    let mut blocks = Vec::new();
    let mut kept = None;
    for _ in 0..4 {
        let space = buffer.spare(0);
        blocks.push(space.as_ptr());
        let size = space.len();
        buffer.receive(&vec![b'x'; size]);
        kept = buffer.cut(0, size);
    }
    assert_eq!(kept.unwrap().len(), BLOCK);
    assert_eq!((blocks[0], blocks[1]), (blocks[2], blocks[3]));
    assert_ne!(blocks[0], blocks[1]);
}

/// Fills a block, and makes one frame of it. Also where the block is.
fn filled(buffer: &mut FrameBuffer) -> (*const MaybeUninit<u8>, Frame) {
    let space = buffer.spare(0);
    let (place, size) = (space.as_ptr(), space.len());
    buffer.receive(&vec![b'x'; size]);
    (place, buffer.cut(0, size).unwrap())
}

#[test]
fn the_blocks_of_a_burst_are_used_again_and_freed_when_the_application_keeps_up() {
    let mut buffer = FrameBuffer::default();
    let burst = (0..KEPT_BLOCKS + 5).map(|_| filled(&mut buffer));
    let (places, mut frames): (Vec<_>, Vec<_>) = burst.unzip();
    assert_eq!(buffer.previous.len(), KEPT_BLOCKS);
    // What is left is in the present block.
    frames.drain(..KEPT_BLOCKS + 4);
    for place in &places[4..KEPT_BLOCKS + 4] {
        let (again, frame) = filled(&mut buffer);
        assert_eq!(again, *place);
        frames.push(frame);
    }
    assert_eq!(buffer.previous.len(), KEPT_BLOCKS);
    frames.clear();
    buffer.spare(0);
    assert!(buffer.previous.is_empty());
}

#[test]
fn the_memory_of_a_large_frame_is_not_kept() {
    let mut buffer = FrameBuffer::default();
    for _ in 0..3 {
        buffer.receive(&vec![b'x'; 10 * BLOCK]);
        assert_eq!(buffer.size(), 10 * BLOCK);
        buffer.cut(0, 10 * BLOCK).unwrap();
        assert_eq!(buffer.spare(0).len(), BLOCK);
    }
}

#[test]
fn frames_outlive_their_buffer_and_their_thread() {
    let (frames, others) = std::sync::mpsc::channel::<Frame>();
    let reading = std::thread::spawn(move || {
        let mut buffer = FrameBuffer::default();
        for n in 0..20_000 {
            buffer.receive(format!("{n:010}").as_bytes());
            frames.send(buffer.cut(0, 10).unwrap()).unwrap();
        }
    });
    for (n, frame) in others.iter().enumerate() {
        assert_eq!(*frame, *format!("{n:010}"));
    }
    reading.join().unwrap();
}

#[test]
fn what_is_not_utf_8_is_no_frame_and_stays() {
    let mut buffer = FrameBuffer::of("ß!".as_bytes());
    assert!(buffer.cut(0, 1).is_none());
    assert!(
        buffer.cut(0, 4).is_none(),
        "it is longer than what there is"
    );
    assert_eq!(buffer.unread(), "ß!".as_bytes());
    assert_eq!(buffer.cut(2, 1).unwrap().as_str(), "!");
    assert!(buffer.unread().is_empty());
}

#[test]
fn static_copied_and_empty_frames_have_their_text() {
    static TEXT: Frame = Frame::from_static("static");
    assert_eq!(TEXT.clone().as_str(), "static");
    let copied = Frame::from("copied".to_owned());
    assert_eq!(copied.clone().as_str(), "copied");
    assert_eq!(Frame::from("").as_str(), "");
    assert_eq!(Frame::default().as_str(), "");
    assert_eq!(FrameBuffer::of(b"x").cut(1, 0).unwrap().as_str(), "");
}

#[test]
fn frames_that_are_dropped_together_leave_their_blocks() {
    let mut buffer = FrameBuffer::default();
    let place = buffer.spare(0).as_ptr();
    buffer.receive(b"onetwosix");
    let frames = [3; 3].map(|len| buffer.cut(0, len).unwrap());
    let mut drops = FrameDrops::default();
    for frame in frames {
        drops.add(frame);
        assert_ne!(
            buffer.spare(0).as_ptr(),
            place,
            "they are counted off later"
        );
    }
    // A frame of another block, or of none.
    drops.add(Frame::from_static("x"));
    assert_eq!(buffer.spare(0).as_ptr(), place);
    for _ in 0..2 {
        buffer.receive(b"one");
        drops.add(buffer.cut(0, 3).unwrap());
        drops.add(Frame::from("a copy"));
        drops.add(Frame::default());
        assert_eq!(buffer.spare(0).as_ptr(), place);
        buffer.receive(b"one");
        drops.add(buffer.cut(0, 3).unwrap());
        drops.finish();
        assert_eq!(buffer.spare(0).as_ptr(), place);
    }
    buffer.receive(b"one");
    drops.add(buffer.cut(0, 3).unwrap());
    drop(drops);
    assert_eq!(buffer.spare(0).as_ptr(), place);
}

#[test]
fn a_byte_that_is_no_utf_8_is_found_wherever_it_is() {
    for len in 1..200 {
        let text = vec![b'x'; len];
        assert!(FrameBuffer::of(&text).cut(0, len).is_some());
        for at in 0..len {
            let mut bytes = text.clone();
            bytes[at] = 0xff;
            assert!(
                FrameBuffer::of(&bytes).cut(0, len).is_none(),
                "{at} of {len}"
            );
        }
    }
}
