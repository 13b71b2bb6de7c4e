//! Selects a node's neighbours.

/// Selects up to `width` of the candidates for a node's neighbour list: Malkov and Yashunin's
/// algorithm 4. `candidates` are sorted by their distance from the node.
///
/// A candidate is selected if it is nearer to the node than to every candidate selected before, so
/// that the list leads in different directions, out of a cluster as well as around inside it.
/// Copies of the node itself do not exclude anything, since everything is as near to them as to the
/// node. Remaining room is filled with the nearest of the other candidates: they cost little and
/// keep the graph connected when some of the neighbours are deleted.
pub fn select(
    candidates: &[(f32, u32)],
    width: usize,
    distance: impl Fn(u32, u32) -> f32,
) -> Vec<u32> {
    let mut taken: Vec<u32> = Vec::with_capacity(width);
    let mut others = Vec::new();
    let copies = candidates.iter().take_while(|(near, _)| *near <= 0.0);
    let copies = copies.count();
    for &(near, candidate) in &candidates[copies..] {
        if taken.len() == width {
            break;
        }
        if taken.iter().all(|&other| near < distance(candidate, other)) {
            taken.push(candidate);
        } else {
            others.push(candidate);
        }
    }
    let copies = candidates[..copies].iter().map(|&(_, copy)| copy);
    let room = width - taken.len();
    taken.extend(copies.chain(others).take(room));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Selects among candidates on a line, for a node at 0.
    fn chosen(places: &[i32], width: usize) -> Vec<i32> {
        let mut candidates: Vec<(f32, u32)> = places
            .iter()
            .enumerate()
            .map(|(i, place)| (place.abs() as f32, i as u32))
            .collect();
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let place = |i: u32| places[i as usize];
        let between = |a: u32, b: u32| (place(a) - place(b)).abs() as f32;
        let taken = select(&candidates, width, between).into_iter();
        taken.map(place).collect()
    }

    #[test]
    fn the_nearest_in_each_direction_come_first_and_the_rest_fill_up() {
        assert_eq!(chosen(&[1, 2, 3, -10, -11], 2), [1, -10]);
        assert_eq!(chosen(&[1, 2, 3, -10, -11], 4), [1, -10, 2, 3]);
    }

    #[test]
    fn copies_of_the_node_leave_room_for_others() {
        assert_eq!(chosen(&[0, 0, 0, 0, 5, -6], 4), [5, -6, 0, 0]);
    }
}
