//! How lists grow that have an entry for each subscription and stay as long as it does.

/// Makes room for an entry. A `Vec` doubles its memory, so that up to half of it is unused; this
/// takes an eighth more.
pub fn reserve_one<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 4);
    }
}

/// The place with that index, which is made if there is none.
pub fn place<T>(list: &mut Vec<Option<T>>, at: usize) -> &mut Option<T> {
    while list.len() <= at {
        reserve_one(list);
        list.push(None);
    }
    &mut list[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_little_more_memory_than_it_needs_and_rarely_moves() {
        let (mut list, mut moves) = (Vec::new(), 0);
        for n in 0..10_000_u32 {
            let before = list.capacity();
            reserve_one(&mut list);
            moves += usize::from(list.capacity() != before);
            list.push(n);
            assert!(list.capacity() <= list.len() + list.len() / 8 + 4);
        }
        assert!(moves < 80);
    }
}
