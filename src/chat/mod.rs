//! What happens in rooms.
