The pages that ask for consent say in words what an app asks for.
