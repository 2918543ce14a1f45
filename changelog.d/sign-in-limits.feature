Sign-ins that one address, or all together, begin in a minute are limited (`limits.sign_ins_per_address`, `limits.sign_ins`).
