Counts of forward authentication and SASL by outcome: `gatehouse_verifications_total`.
