//! From an alert to the service that is paged for it: the first route that matches, in the people's order.

use watchtower_model::{RouteId, ServiceId};

/// The first of `routes` for which `matched` says yes. The last route of a well-formed table matches all,
/// so `None` means that the table has lost its default.
pub fn route(
    routes: &[(RouteId, ServiceId)],
    matched: impl Fn(RouteId) -> bool,
) -> Option<(RouteId, ServiceId)> {
    routes.iter().copied().find(|(id, _)| matched(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Id;

    #[test]
    fn the_first_match_wins_and_a_lost_default_is_told() {
        let id = |n: u8| Id::from_bytes([n; 16]);
        let routes: Vec<_> = (1..=3).map(|n| (RouteId(id(n)), ServiceId(id(n + 10)))).collect();
        assert_eq!(route(&routes, |r| r.0 >= id(2)), Some(routes[1]));
        assert_eq!(route(&routes, |_| false), None);
    }
}
