"""Mutation testing of the contracts: one small change at a time, does any test notice?"""
