-- +goose Up

-- Since when a post's deliveries wait until people it names have been looked up.
ALTER TABLE posts ADD COLUMN held_at BIGINT;
