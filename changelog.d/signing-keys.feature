The keys that sign ID tokens are rotated without a restart, by age (`signing_keys.rotate_after_days`) or by `gatehouse keys rotate`, and stay published until their last ID token has expired.
