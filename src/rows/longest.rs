//! The longest increasing subsequence: what may stay where it is when a list gets another order.

/// Marks which of these different numbers form a longest increasing subsequence.
pub(super) fn increasing(numbers: &[usize]) -> Vec<bool> {
    let mut marks = vec![false; numbers.len()];
    if numbers.windows(2).all(|pair| pair[0] < pair[1]) {
        marks.fill(true);
        return marks;
    }
    // The place of the smallest last number of a subsequence of each length, and what comes before
    // each number in its own.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; numbers.len()];
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        if length > 0 {
            before[at] = ends[length - 1];
        }
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut at = ends.last().copied();
    while let Some(place) = at {
        marks[place] = true;
        at = Some(before[place]).filter(|place| *place != usize::MAX);
    }
    marks
}
