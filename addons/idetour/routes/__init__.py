"""Who answers: from the name that was asked for to an ordered list of targets."""
